//! What the configuration says of secrets and costs, in the words of this module.
use super::cipher::{Algorithm, Cipher};
use super::hash::HasherParams;
use super::hash::argon2;
use super::hash::pool::PoolLimits;
use super::mac::MacKeys;
use super::seal::Seal;
use super::securecookie::CookieCodec;
use crate::config::Config;
use crate::config::extensions::Hashing;
use crate::config::secrets::{Argon2, CipherAlgorithm, HashAlgorithm};

impl Cipher {
    /// `ciphers.algorithm` with `secrets.cipher`.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let algorithm = match config.ciphers.algorithm {
            CipherAlgorithm::Noop => Algorithm::Noop,
            CipherAlgorithm::Aes => Algorithm::Aes,
            CipherAlgorithm::XChaCha20Poly1305 => Algorithm::XChaCha20Poly1305,
        };
        Self::new(algorithm, &config.secrets_cipher())
    }
}

impl MacKeys {
    /// For codes and link tokens.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::new(config.secrets_cookie())
    }
}

impl Seal {
    /// For page tokens.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::new(config.secrets_pagination())
    }
}

impl CookieCodec {
    /// For the session cookie.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::new(config.secrets_cookie())
    }

    /// For the continuity cookie, which older servers wrote differently.
    #[must_use]
    pub fn for_continuity(config: &Config) -> Self {
        Self::of(config).reading_old_pairs(config.secrets_cookie())
    }
}

impl HasherParams {
    /// For new passwords.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        match config.hashers.algorithm {
            HashAlgorithm::Bcrypt => Self::Bcrypt {
                cost: config.bcrypt_cost(),
            },
            HashAlgorithm::Argon2 => Self::Argon2((&config.hashers.argon2).into()),
        }
    }
}

impl From<&Argon2> for argon2::Params {
    fn from(argon2: &Argon2) -> Self {
        Self {
            memory_kib: u32::try_from(argon2.memory / 1024).unwrap_or(u32::MAX),
            iterations: argon2.iterations,
            parallelism: argon2.lanes(),
            salt_length: argon2.salt_length,
            key_length: argon2.key_length,
        }
    }
}

impl From<&Hashing> for PoolLimits {
    fn from(hashing: &Hashing) -> Self {
        let mut limits = hashing
            .memory
            .map_or_else(Self::of_this_machine, Self::with_memory);
        if let Some(threads) = hashing.threads {
            limits.threads = threads.max(1);
            limits.queue = Self::queue_for(limits.threads);
        }
        limits.queue = hashing.queue.unwrap_or(limits.queue);
        limits
    }
}
