//! Keys of our own. Nothing in the reference's file means these.
use super::section::section;
use super::size;

section!(
    Extensions {
        courier: CourierExtension,
        hashing: Hashing,
        totp: TotpExtension,
        /// Addresses and networks whose `X-Forwarded` headers are believed; see [`network`].
        trusted_proxies: Vec<String>,
    }
);
section!(
    /// How messages leave.
    CourierExtension {
        /// Messages of one channel that may be on their way between a server that takes them and our note of it: as many
        /// may come twice after a crash. 1 to 64; read once.
        parallel_deliveries: u8 = 1,
    }
);
section!(
    /// How much of the machine password hashes may take.
    Hashing {
        /// Bytes for all running hashes together. Default: half of the machine or of the control group.
        #[serde(deserialize_with = "size::optional")]
        memory: Option<u64>,
        /// How many may wait; one more is told to come again. Default: fits the number of threads.
        queue: Option<usize>,
        /// Threads that hash. Default: one for each processor but one, at least one.
        threads: Option<usize>,
    }
);

section!(
    /// Authenticator apps.
    TotpExtension {
        /// Each code works once, for the account as a whole. The reference takes it again while it is right.
        refuse_replay: bool,
    }
);

/// Reads an address, or a network in CIDR form.
#[must_use]
pub fn network(text: &str) -> Option<ipnet::IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(Into::into))
}
