//! Mail and text messages: how they leave, and what they say (courier.md).
use super::duration;
use super::request::{Headers, RequestConfig};
use super::section::{choice, section};
use crate::base::secret::Secret;
use time::Duration;

section!(
    Courier {
        delivery_strategy: DeliveryStrategy,
        smtp: Smtp,
        http: HttpDelivery,
        channels: Vec<CourierChannel>,
        message_retries: i64 = 5,
        worker: Worker,
        /// A folder with templates of the operator's own.
        template_override_path: Option<String>,
        templates: Templates,
    }
);
choice!(
    /// How e-mail leaves.
    DeliveryStrategy { Smtp = "smtp", Http = "http" }
);
section!(
    Smtp {
        /// `smtp://` or `smtps://`, credentials within.
        connection_uri: Option<Secret<String>>,
        from_address: String = "no-reply@ory.kratos.sh".into(),
        from_name: String,
        headers: Headers,
        /// What the client calls itself in EHLO.
        local_name: String = "localhost".into(),
        client_cert_path: String,
        client_key_path: String,
    }
);
section!(HttpDelivery {
    /// Without a body, the built-in one is sent.
    request_config: RequestConfig = RequestConfig {
        method: Some("POST".into()),
        ..RequestConfig::default()
    },
});
section!(
    /// Another way to people than e-mail.
    CourierChannel {
        /// `sms` is the only one.
        id: String,
        r#type: ChannelType,
        request_config: RequestConfig,
    }
);
choice!(
    ChannelType { Http = "http" }
);
section!(Worker {
    /// Rows for each pull; [`Worker::batch`] is what counts.
    pull_count: i64 = 10,
    #[serde(deserialize_with = "duration::required")]
    pull_wait: Duration = Duration::seconds(1),
});

impl Worker {
    /// Rows for each pull: the low eight bits of `pull_count`, as the reference has it.
    #[must_use]
    pub fn batch(&self) -> u8 {
        self.pull_count.to_le_bytes()[0]
    }
}

section!(
    /// Resource addresses of templates that replace the built-in ones.
    Templates {
        recovery: TemplatePair,
        recovery_code: TemplatePair,
        verification: TemplatePair,
        verification_code: TemplatePair,
        registration_code: TemplatePair,
        login_code: TemplatePair,
        verifiable_address_changed: Template,
    }
);
section!(
    /// For somebody known, and for somebody who is not.
    TemplatePair { valid: Template, invalid: Template }
);
section!(Template {
    email: EmailTemplate,
    sms: SmsTemplate
});
section!(
    EmailTemplate { subject: Option<String>, body: EmailBody }
);
section!(
    EmailBody { plaintext: Option<String>, html: Option<String> }
);
section!(SmsTemplate { body: SmsBody });
section!(
    SmsBody { plaintext: Option<String> }
);
