//! The two text formats: Prometheus' own and `OpenMetrics`, which differ in small things (http-api.md §7.1).
use super::accept::Format;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};
use std::fmt::Write;

/// All families, in their order.
pub(super) fn families(families: &[MetricFamily], format: Format) -> String {
    let mut out = String::with_capacity(16 * 1024);
    for family in families {
        push_family(&mut out, family, format);
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn push_family(out: &mut String, family: &MetricFamily, format: Format) {
    let name = family.name();
    let kind = family.get_field_type();
    let (word, base) = match kind {
        MetricType::COUNTER if format == Format::OpenMetrics => {
            ("counter", name.strip_suffix("_total").unwrap_or(name))
        }
        MetricType::COUNTER => ("counter", name),
        MetricType::GAUGE => ("gauge", name),
        MetricType::HISTOGRAM => ("histogram", name),
        // Nothing here makes the others.
        _ => return,
    };
    let help = escape(family.help(), format == Format::OpenMetrics);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# HELP {base} {help}\n# TYPE {base} {word}");
    for metric in family.get_metric() {
        match kind {
            MetricType::COUNTER => {
                // OpenMetrics wants the suffix on every counter's samples.
                let missing = format == Format::OpenMetrics && !name.ends_with("_total");
                let suffix = if missing { "_total" } else { "" };
                let value = value(metric.get_counter().get_value(), format);
                push_sample(out, (name, suffix), metric, None, &value);
            }
            MetricType::GAUGE => {
                let value = value(metric.get_gauge().get_value(), format);
                push_sample(out, (name, ""), metric, None, &value);
            }
            _ => push_histogram(out, name, metric, format),
        }
    }
}

fn push_histogram(out: &mut String, name: &str, metric: &Metric, format: Format) {
    let histogram = metric.get_histogram();
    for bucket in histogram.get_bucket() {
        if bucket.upper_bound().is_finite() {
            let bound = value(bucket.upper_bound(), format);
            let count = bucket.cumulative_count().to_string();
            push_sample(out, (name, "_bucket"), metric, Some(&bound), &count);
        }
    }
    let count = histogram.get_sample_count().to_string();
    push_sample(out, (name, "_bucket"), metric, Some("+Inf"), &count);
    let sum = value(histogram.get_sample_sum(), format);
    push_sample(out, (name, "_sum"), metric, None, &sum);
    push_sample(out, (name, "_count"), metric, None, &count);
}

fn push_sample(
    out: &mut String,
    (name, suffix): (&str, &str),
    metric: &Metric,
    bound: Option<&str>,
    value: &str,
) {
    out.push_str(name);
    out.push_str(suffix);
    let labels = metric.get_label();
    if !labels.is_empty() || bound.is_some() {
        let pairs = labels.iter().map(|label: &LabelPair| {
            format!("{}=\"{}\"", label.name(), escape(label.value(), true))
        });
        let bound = bound.map(|bound| format!("le=\"{bound}\""));
        let all: Vec<String> = pairs.chain(bound).collect();
        let _ = write!(out, "{{{}}}", all.join(","));
    }
    let _ = writeln!(out, " {value}");
}

fn escape(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes {
        text.replace('"', "\\\"")
    } else {
        text
    }
}

/// A number as Go writes it: with an exponent below a ten-thousandth and from a million.
/// `OpenMetrics` wants to see that it is no whole number's type.
fn value(number: f64, format: Format) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut text = if number != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    } else {
        number.to_string()
    };
    if format == Format::OpenMetrics && !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go's `strconv.FormatFloat(n, 'g', -1, 64)`.
    #[test]
    fn numbers_are_written_as_go_does() {
        for (number, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (19.0, "19"),
            (0.005, "0.005"),
            (2.5, "2.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123_456.0, "123456"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1_782_909_296.25, "1.78290929625e+09"),
            (-3.0, "-3"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(value(number, Format::Text), text);
        }
        assert_eq!(value(19.0, Format::OpenMetrics), "19.0");
        assert_eq!(value(1_000_000.0, Format::OpenMetrics), "1e+06");
    }
}
