//! Secrets that sign and encrypt. The first of each list works, the rest still open what is old.
use super::section::{choice, section};
use super::{duration, size};
use crate::base::secret::Secret;
use time::Duration;

section!(
    /// Use the lists through [`super::Config::secrets_cookie`] and its siblings, which know the fallbacks.
    Secrets {
        default: Vec<Secret<String>>,
        cookie: Vec<Secret<String>>,
        /// 32 characters each.
        cipher: Vec<Secret<String>>,
        pagination: Vec<Secret<String>>,
    }
);
section!(Ciphers {
    algorithm: CipherAlgorithm
});
choice!(
    CipherAlgorithm { Noop = "noop", Aes = "aes", XChaCha20Poly1305 = "xchacha20-poly1305" }
);
section!(Hashers {
    algorithm: HashAlgorithm,
    argon2: Argon2,
    bcrypt: Bcrypt
});
choice!(
    HashAlgorithm { Bcrypt = "bcrypt", Argon2 = "argon2" }
);
section!(Bcrypt {
    /// As written; [`super::Config::bcrypt_cost`] lifts it where it is too low.
    cost: u32 = 12,
});
section!(
    Argon2 {
        /// Bytes.
        #[serde(deserialize_with = "size::required")]
        memory: u64 = 128 << 20,
        iterations: u32 = 1,
        /// Default: twice the number of processors.
        parallelism: Option<u32>,
        /// Bytes.
        salt_length: u32 = 16,
        /// Bytes.
        key_length: u32 = 32,
        /// Also the mean delay after an unknown identifier, with bcrypt too (config-cli.md §2.9).
        #[serde(deserialize_with = "duration::required")]
        expected_duration: Duration = Duration::milliseconds(500),
        #[serde(deserialize_with = "duration::required")]
        expected_deviation: Duration = Duration::milliseconds(500),
        /// Bytes.
        #[serde(deserialize_with = "size::required")]
        dedicated_memory: u64 = 1 << 30,
    }
);

impl Argon2 {
    /// Lanes: as configured, else twice the number of processors; 1 to 255.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.parallelism
            .unwrap_or_else(|| u32::try_from(processors() * 2).unwrap_or(255))
            .clamp(1, 255)
    }
}
