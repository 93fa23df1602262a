//! Series as a scraper sees them.
use super::accept::choose;
use super::*;

fn metrics() -> Metrics {
    let build = Build {
        version: "v1",
        hash: "abc",
        time: "2026",
    };
    let metrics = Metrics::new(build).expect("series");
    metrics.answered(&Sample {
        method: "GET",
        endpoint: "/sessions/{param}",
        status: 200,
        took: Duration::from_millis(3),
        request_size: 100,
        response_size: 2,
    });
    metrics.ended(FlowKind::Login, "password", Ending::Rejected);
    metrics
        .gauge("kratos_hash_waiting", "Passwords that wait.", || 2.0)
        .expect("gauge");
    metrics
}

#[test]
fn names_and_labels_are_the_references() {
    let (kind, text) = metrics().render("");
    assert_eq!(
        kind,
        "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    );
    for line in [
        "# TYPE http_requests_total counter",
        "http_requests_total{app=\"kratos\",buildTime=\"2026\",code=\"200\",\
         endpoint=\"/sessions/{param}\",hash=\"abc\",method=\"get\",version=\"v1\"} 1",
        "http_requests_statuses_total{app=\"kratos\",buildTime=\"2026\",hash=\"abc\",\
         method=\"GET\",status_bucket=\"2xx\",version=\"v1\"} 1",
        "http_response_time_seconds_bucket{app=\"kratos\",buildTime=\"2026\",\
         endpoint=\"/sessions/{param}\",hash=\"abc\",version=\"v1\",le=\"0.005\"} 1",
        "kratos_flow_endings_total{flow=\"login\",method=\"password\",result=\"rejected\"} 1",
        "kratos_hash_waiting 2",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("process_resident_memory_bytes"));
}

#[test]
fn open_metrics_differs_where_it_must() {
    let (kind, text) = metrics().render("application/openmetrics-text; version=1.0.0");
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    );
    assert!(text.contains("# TYPE http_requests counter\nhttp_requests_total{"));
    assert!(text.contains("result=\"rejected\"} 1.0\n"));
    assert!(text.contains("le=\"1.0\"} 1\n"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_most_wanted_format_that_we_have_is_served() {
    let kind = |accept: &str| choose(accept).content_type();
    for accept in [
        "",
        "*/*",
        "text/plain;version=1.0.0",
        "image/png",
        "nonsense;;q=x,",
    ] {
        assert!(
            kind(accept).starts_with("text/plain; version=0.0.4;"),
            "{accept}"
        );
    }
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                      application/openmetrics-text;version=0.0.1;q=0.5,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    assert_eq!(
        kind(prometheus),
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    );
    assert!(kind("application/openmetrics-text;q=0.1,text/plain").starts_with("text/plain"));
    assert!(kind("application/openmetrics-text").contains("version=0.0.1"));
    assert!(kind("application/openmetrics-text;version=2.0.0").starts_with("text/plain"));
}

#[test]
fn routes_and_methods_make_no_endless_labels() {
    assert_eq!(
        endpoint("/identities/{id}/sessions/{session}"),
        "/identities/{param}/sessions/{param}"
    );
    assert_eq!(endpoint("/health/alive"), "/health/alive");
    assert_eq!(endpoint("/odd{"), "/odd");
    assert_eq!(method_words("BREW"), ("unknown", "unknown"));
    assert_eq!(method_words("PATCH"), ("patch", "PATCH"));
    assert_eq!(code_word(503, &mut [0; 3]), "503");
}
