//! Prometheus series: the reference's names for HTTP (config-cli.md §5.2), and what it does not count: how logins
//! and registrations end, how many passwords wait to be hashed.
//!
//! To add a series: a field, a line in [`Metrics::new`], a function that says what happened.
mod accept;
mod render;
#[cfg(test)]
mod tests;

use crate::base::terms::FlowKind;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    CounterVec, Gauge, HistogramOpts, HistogramVec, Opts, PullingGauge, Registry, core::Collector,
};
use std::collections::HashMap;
use std::time::Duration;

/// Who this server is, on every HTTP series.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    pub version: &'a str,
    pub hash: &'a str,
    pub time: &'a str,
}

/// One answered request.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// As it came.
    pub method: &'a str,
    /// The route's pattern, see [`endpoint`]; empty if none matched.
    pub endpoint: &'a str,
    pub status: u16,
    pub took: Duration,
    /// Bytes of request line, headers and body, about.
    pub request_size: u64,
    /// Bytes of the body.
    pub response_size: u64,
}

/// How a flow's submission ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Succeeded,
    /// The person can try again: wrong password, invalid field.
    Rejected,
    /// We, or a server that we asked, could not do it.
    Failed,
}

/// What became of an attempt to deliver a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Sent,
    /// It will be tried again.
    Failed,
    Abandoned,
}

/// The registry and its series.
pub struct Metrics {
    registry: Registry,
    response_time: HistogramVec,
    requests: CounterVec,
    durations: HistogramVec,
    response_sizes: HistogramVec,
    request_sizes: HistogramVec,
    statuses: CounterVec,
    endings: CounterVec,
    scrapes: CounterVec,
    deliveries: CounterVec,
    waiting: Gauge,
}

impl Metrics {
    /// All series, and those of the process where the system tells them.
    pub fn new(build: Build<'_>) -> prometheus::Result<Self> {
        let constant: HashMap<String, String> = [
            ("app", "kratos"),
            ("version", build.version),
            ("hash", build.hash),
            ("buildTime", build.time),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let http = |name: &str, help: &str| Opts::new(name, help).const_labels(constant.clone());
        let counter =
            |name: &str, help: &str, labels: &[&str]| CounterVec::new(http(name, help), labels);
        let histogram = |name: &str, help: &str, labels: &[&str]| {
            HistogramVec::new(HistogramOpts::from(http(name, help)), labels)
        };
        let by_route = &["code", "method", "endpoint"];
        let by_status = &["code", "method"];
        let metrics = Self {
            response_time: histogram(
                "http_response_time_seconds",
                "Time until the answer was ready, by route.",
                &["endpoint"],
            )?,
            requests: counter("http_requests_total", "Answered requests.", by_route)?,
            durations: histogram(
                "http_requests_duration_seconds",
                "Time until the answer was ready.",
                by_route,
            )?,
            response_sizes: histogram(
                "http_response_size_bytes",
                "Bytes of the answers.",
                by_status,
            )?,
            request_sizes: histogram(
                "http_requests_size_bytes",
                "Bytes of the requests.",
                by_status,
            )?,
            statuses: counter(
                "http_requests_statuses_total",
                "Answered requests by class of status.",
                &["method", "status_bucket"],
            )?,
            endings: CounterVec::new(
                Opts::new(
                    "kratos_flow_endings_total",
                    "Submissions of self-service flows by method and result.",
                ),
                &["flow", "method", "result"],
            )?,
            scrapes: CounterVec::new(
                Opts::new(
                    "promhttp_metric_handler_requests_total",
                    "Scrapes by status of the answer.",
                ),
                &["code"],
            )?,
            deliveries: CounterVec::new(
                Opts::new(
                    "kratos_courier_attempts_total",
                    "Attempts to deliver mails and text messages by channel and result.",
                ),
                &["channel", "result"],
            )?,
            waiting: Gauge::new(
                "kratos_courier_messages_waiting",
                "Mails and text messages in the queue, as this worker last saw it.",
            )?,
            registry: Registry::new(),
        };
        for status in ["200", "500", "503"] {
            metrics.scrapes.with_label_values(&[status]);
        }
        for series in metrics.series() {
            metrics.registry.register(series)?;
        }
        metrics
            .registry
            .register(Box::new(ProcessCollector::for_self()))?;
        Ok(metrics)
    }

    fn series(&self) -> [Box<dyn Collector>; 10] {
        [
            Box::new(self.response_time.clone()),
            Box::new(self.requests.clone()),
            Box::new(self.durations.clone()),
            Box::new(self.response_sizes.clone()),
            Box::new(self.request_sizes.clone()),
            Box::new(self.statuses.clone()),
            Box::new(self.endings.clone()),
            Box::new(self.scrapes.clone()),
            Box::new(self.deliveries.clone()),
            Box::new(self.waiting.clone()),
        ]
    }

    /// A gauge whose value is asked for at each scrape.
    pub fn gauge(
        &self,
        name: &str,
        help: &str,
        value: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> prometheus::Result<()> {
        let gauge = PullingGauge::new(name, help, Box::new(value))?;
        self.registry.register(Box::new(gauge))
    }

    /// A request was answered.
    pub fn answered(&self, sample: &Sample<'_>) {
        let (lower, upper) = method_words(sample.method);
        let mut digits = [0; 3];
        let code = code_word(sample.status, &mut digits);
        let seconds = sample.took.as_secs_f64();
        let route = &[code, lower, sample.endpoint];
        self.requests.with_label_values(route).inc();
        self.durations.with_label_values(route).observe(seconds);
        self.response_time
            .with_label_values(&[sample.endpoint])
            .observe(seconds);
        self.response_sizes
            .with_label_values(&[code, lower])
            .observe(bytes(sample.response_size));
        self.request_sizes
            .with_label_values(&[code, lower])
            .observe(bytes(sample.request_size));
        let bucket = match sample.status / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "unknown",
        };
        self.statuses.with_label_values(&[upper, bucket]).inc();
    }

    /// A submission of a flow ended; the method is empty if none was chosen.
    pub fn ended(&self, flow: FlowKind, method: &str, ending: Ending) {
        let result = match ending {
            Ending::Succeeded => "succeeded",
            Ending::Rejected => "rejected",
            Ending::Failed => "failed",
        };
        self.endings
            .with_label_values(&[flow.word(), method, result])
            .inc();
    }

    /// An attempt to deliver a message ended.
    pub fn delivered(&self, channel: &str, delivery: Delivery) {
        let result = match delivery {
            Delivery::Sent => "sent",
            Delivery::Failed => "failed",
            Delivery::Abandoned => "abandoned",
        };
        self.deliveries.with_label_values(&[channel, result]).inc();
    }

    /// So many messages are in the queue.
    pub fn waiting(&self, count: u64) {
        self.waiting.set(bytes(count));
    }

    /// All series in the format that the `Accept` header asks for, with its content type.
    #[must_use]
    pub fn render(&self, accept: &str) -> (String, String) {
        let chosen = accept::choose(accept);
        self.scrapes.with_label_values(&["200"]).inc();
        let text = render::families(&self.registry.gather(), chosen.format);
        (chosen.content_type(), text)
    }
}

/// The label of a route: its pattern with every placeholder spelt `{param}`.
#[must_use]
pub fn endpoint(pattern: &str) -> String {
    let mut label = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        label.push_str(before);
        let Some((_, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        label.push_str("{param}");
        rest = after;
    }
    label.push_str(rest);
    label
}

/// The method in both spellings; unknown ones share a label, or anybody could make series without end.
fn method_words(method: &str) -> (&'static str, &'static str) {
    const KNOWN: [(&str, &str); 10] = [
        ("get", "GET"),
        ("post", "POST"),
        ("put", "PUT"),
        ("patch", "PATCH"),
        ("delete", "DELETE"),
        ("head", "HEAD"),
        ("options", "OPTIONS"),
        ("connect", "CONNECT"),
        ("trace", "TRACE"),
        ("notify", "NOTIFY"),
    ];
    let known = KNOWN
        .into_iter()
        .find(|(lower, upper)| method == *upper || method == *lower);
    known.unwrap_or(("unknown", "unknown"))
}

/// Three digits without an allocation.
fn code_word(status: u16, digits: &mut [u8; 3]) -> &str {
    let mut rest = status.min(999);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    std::str::from_utf8(digits).unwrap_or("000")
}

/// Exact up to 4 GiB, which no request reaches.
fn bytes(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
