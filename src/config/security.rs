//! What outsiders may learn, and whom we may call.
use super::section::section;
use super::serve::words;

section!(Security {
    account_enumeration: AccountEnumeration,
    disallow_ref_in_identity_schemas: bool
});
section!(AccountEnumeration { mitigate: bool });
section!(Clients {
    http: HttpClients,
    smtp: SmtpClients,
    web_hook: WebHookClients
});
section!(
    HttpClients {
        disallow_private_ip_ranges: bool,
        /// Compared as written, whole.
        private_ip_exception_urls: Vec<String>,
    }
);
section!(SmtpClients {
    disallow_private_ip_ranges: bool
});
section!(
    WebHookClients {
        /// Headers of a request that web hooks see and that are kept with messages.
        header_allowlist: Vec<String> = words(
            "Accept Accept-Encoding Accept-Language Content-Length Content-Type Origin Priority Referer \
             Sec-Ch-Ua Sec-Ch-Ua-Mobile Sec-Ch-Ua-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site \
             Sec-Fetch-User True-Client-Ip User-Agent"
        ),
    }
);
