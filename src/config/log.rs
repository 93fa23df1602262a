//! What is told to the operator: log lines and traces.
use super::section::{choice, section};
use crate::base::secret::Secret;

section!(
    Log {
        level: LogLevel,
        format: LogFormat,
        leak_sensitive_values: bool,
        redaction_text: Option<String>,
    }
);
choice!(
    LogLevel {
        Info = "info", Trace = "trace", Debug = "debug", Warning = "warning", Error = "error",
        Fatal = "fatal", Panic = "panic",
    }
);
choice!(
    LogFormat { Text = "text", Json = "json", JsonPretty = "json_pretty", Gelf = "gelf" }
);
section!(
    Tracing {
        /// Nothing is traced without.
        provider: Option<TracingProvider>,
        service_name: String = "Ory Kratos".into(),
        deployment_environment: Option<String>,
        providers: TracingProviders,
    }
);
choice!(
    TracingProvider { Otel = "otel", Jaeger = "jaeger", Zipkin = "zipkin" }
);
section!(TracingProviders {
    jaeger: Jaeger,
    zipkin: Zipkin,
    otlp: Otlp
});
section!(Jaeger {
    local_agent_address: String,
    sampling: JaegerSampling
});
section!(
    JaegerSampling { server_url: Option<String>, trace_id_ratio: f64 = 1.0 }
);
section!(Zipkin {
    server_url: String,
    sampling: ZipkinSampling
});
section!(
    /// Nothing is sampled unless asked for.
    ZipkinSampling { sampling_ratio: f64 }
);
section!(
    Otlp {
        /// Host and port.
        server_url: String,
        insecure: bool,
        sampling: OtlpSampling,
        authorization_header: Option<Secret<String>>,
    }
);
section!(OtlpSampling {
    sampling_ratio: f64 = 1.0
});
