//! Which format a scraper wants (http-api.md §7.1).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Text, version 0.0.4.
    Text,
    OpenMetrics,
}

/// The format and what its content type says besides.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) format: Format,
    version: &'static str,
    escaping: &'static str,
}

impl Chosen {
    pub(super) fn content_type(&self) -> String {
        let Self {
            format,
            version,
            escaping,
        } = self;
        let kind = match format {
            Format::Text => "text/plain",
            Format::OpenMetrics => "application/openmetrics-text",
        };
        format!("{kind}; version={version}; charset=utf-8; escaping={escaping}")
    }
}

/// The most wanted range that we can serve; the plain text for everything else.
pub(super) fn choose(accept: &str) -> Chosen {
    let mut best: Option<(f32, Chosen)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let (mut version, mut escaping, mut weight) = ("", "underscores", 1.0);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim() {
                "version" => version = value.trim(),
                "escaping" => {
                    const KNOWN: [&str; 4] = ["underscores", "values", "dots", "allow-utf-8"];
                    let known = KNOWN.into_iter().find(|known| *known == value.trim());
                    escaping = known.unwrap_or(escaping);
                }
                "q" => weight = value.trim().parse().unwrap_or(0.0),
                _ => {}
            }
        }
        let (format, version) = match (kind, version) {
            ("application/openmetrics-text", "" | "0.0.1") => (Format::OpenMetrics, "0.0.1"),
            ("application/openmetrics-text", "1.0.0") => (Format::OpenMetrics, "1.0.0"),
            ("text/plain" | "text/*" | "*/*", _) => (Format::Text, "0.0.4"),
            _ => continue,
        };
        let chosen = Chosen {
            format,
            version,
            escaping,
        };
        if weight > 0.0 && best.as_ref().is_none_or(|(most, _)| weight > *most) {
            best = Some((weight, chosen));
        }
    }
    best.map_or(
        Chosen {
            format: Format::Text,
            version: "0.0.4",
            escaping: "underscores",
        },
        |(_, chosen)| chosen,
    )
}
