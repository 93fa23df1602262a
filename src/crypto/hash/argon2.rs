//! argon2id and argon2i (RFC 9106), version 19. The PHC text is read and written here; the memory comes from outside,
//! because a hash in memory that is already mapped takes half the time.
//!
//! Text: `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<key>`, base64 without padding (config-cli.md §3.3).
use super::HashError;
use super::fields::{bytes, key, numbers, parts, same, within};
use crate::base::random::Random;
use ::argon2::{Algorithm, Argon2, Block, Version};
use data_encoding::BASE64_NOPAD;
use zeroize::Zeroize;

const FORMAT: &str = "argon2";
/// Lanes cost neither memory nor time here. Older servers wrote twice the number of cores without a limit, and
/// those passwords must go on working.
const MOST_LANES: u64 = 255;
/// What may be imported, and what new hashes are held to so that the reference can read them.
const MOST_LANES_IMPORTED: u32 = 16;
const MOST_KIB: u64 = 1 << 20;
const MOST_PASSES: u64 = 10;
/// RFC 9106: each lane has at least eight blocks.
const BLOCKS_PER_LANE: u32 = 8;

/// Working memory of argon2, kept between hashes. Its content is worth no more than the stored hash, so it is wiped
/// when it is given back and not after each use.
#[derive(Default)]
pub struct Arena(Vec<Block>);

impl Arena {
    /// Bytes that it holds.
    #[must_use]
    pub fn size(&self) -> u64 {
        kib_to_bytes(self.0.len() as u64)
    }

    /// That many blocks; an error if the system has no memory for them.
    fn blocks(&mut self, count: u32) -> Result<&mut [Block], HashError> {
        let count = count as usize;
        if self.0.len() < count {
            // Growing in place would copy the old content.
            self.wipe();
            self.0 = Vec::new();
            self.0
                .try_reserve_exact(count)
                .map_err(|_| HashError::NoMemory)?;
            self.0.resize(count, Block::new());
        }
        self.0.get_mut(..count).ok_or(HashError::NoMemory)
    }

    fn wipe(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn kib_to_bytes(kib: u64) -> u64 {
    kib * 1024
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Id,
    I,
}

impl Variant {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Id => Algorithm::Argon2id,
            Self::I => Algorithm::Argon2i,
        }
    }
}

/// Cost of new hashes (`hashers.argon2.*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    pub memory_kib: u32,
    pub iterations: u32,
    pub parallelism: u32,
    pub salt_length: u32,
    pub key_length: u32,
}

impl Default for Params {
    /// The reference's: 128 MiB, one pass; two lanes for each core come from the configuration.
    fn default() -> Self {
        Self {
            memory_kib: 128 * 1024,
            iterations: 1,
            parallelism: 2,
            salt_length: 16,
            key_length: 32,
        }
    }
}

impl Params {
    /// Within what the algorithm and later comparisons accept.
    #[must_use]
    pub fn clamped(self) -> Self {
        let parallelism = self.parallelism.clamp(1, MOST_LANES_IMPORTED);
        Self {
            memory_kib: self
                .memory_kib
                .clamp(BLOCKS_PER_LANE * parallelism, 1 << 20),
            iterations: self.iterations.clamp(1, 10),
            parallelism,
            salt_length: self.salt_length.clamp(16, 64),
            key_length: self.key_length.clamp(16, 128),
        }
    }

    /// Bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        kib_to_bytes(u64::from(self.clamped().memory_kib))
    }

    /// Blocks that are filled.
    pub(super) fn work(self) -> u64 {
        let Self {
            memory_kib,
            iterations,
            ..
        } = self.clamped();
        u64::from(memory_kib) * u64::from(iterations)
    }
}

/// A hash as it is stored.
#[derive(Debug)]
pub struct Stored {
    variant: Variant,
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl Stored {
    /// Reads what follows `$argon2id$` or `$argon2i$`.
    pub(super) fn parse(variant: Variant, rest: &str) -> Result<Self, HashError> {
        let [version, costs, salt, hash] = parts(rest, FORMAT)?;
        if version != "v=19" {
            return Err(HashError::Malformed(FORMAT));
        }
        let [m, t, p] = numbers(costs, ["m", "t", "p"]).ok_or(HashError::Malformed(FORMAT))?;
        let lanes = within("argon2 p", p, 1, MOST_LANES)?;
        let least = u64::from(BLOCKS_PER_LANE * lanes);
        Ok(Self {
            variant,
            memory_kib: within("argon2 m", m, least, MOST_KIB)?,
            iterations: within("argon2 t", t, 1, MOST_PASSES)?,
            lanes,
            salt: bytes(&BASE64_NOPAD, salt, FORMAT)?,
            key: key(&BASE64_NOPAD, hash, FORMAT)?,
        })
    }

    pub(super) fn check_import(&self) -> Result<(), HashError> {
        within(
            "argon2 p",
            u64::from(self.lanes),
            1,
            u64::from(MOST_LANES_IMPORTED),
        )
        .map(|_| ())
    }

    pub(super) fn memory(&self) -> u64 {
        kib_to_bytes(u64::from(self.memory_kib))
    }

    /// Blocks that are filled.
    pub(super) fn work(&self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.iterations)
    }

    pub(super) fn verify(&self, password: &[u8], arena: &mut Arena) -> Result<bool, HashError> {
        let mut key = vec![0; self.key.len()];
        fill(
            self.variant,
            (self.memory_kib, self.iterations, self.lanes),
            (password, &self.salt),
            &mut key,
            arena,
        )?;
        Ok(same(&key, &self.key))
    }
}

/// A new argon2id hash.
pub(super) fn hash(
    params: &Params,
    password: &[u8],
    dice: &dyn Random,
    arena: &mut Arena,
) -> Result<String, HashError> {
    let Params {
        memory_kib,
        iterations,
        parallelism,
        salt_length,
        key_length,
    } = params.clamped();
    let mut salt = vec![0; salt_length as usize];
    dice.fill(&mut salt);
    let mut key = vec![0; key_length as usize];
    fill(
        Variant::Id,
        (memory_kib, iterations, parallelism),
        (password, &salt),
        &mut key,
        arena,
    )?;
    Ok(format!(
        "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${}${}",
        BASE64_NOPAD.encode(&salt),
        BASE64_NOPAD.encode(&key)
    ))
}

fn fill(
    variant: Variant,
    (memory_kib, iterations, lanes): (u32, u32, u32),
    (password, salt): (&[u8], &[u8]),
    key: &mut [u8],
    arena: &mut Arena,
) -> Result<(), HashError> {
    let malformed = |_| HashError::Malformed(FORMAT);
    let params =
        ::argon2::Params::new(memory_kib, iterations, lanes, Some(key.len())).map_err(malformed)?;
    Argon2::new(variant.algorithm(), Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, key, arena.blocks(memory_kib)?)
        .map_err(malformed)
}
