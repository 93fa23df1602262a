//! The dice: every secret, id and nonce is drawn through [`Random`], so that a test gets the same twice.
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};
use std::sync::Mutex;
use uuid::Uuid;

pub trait Random: Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness nothing here is safe: a machine that has none must not serve.
        if let Err(error) = SysRng.try_fill_bytes(buffer) {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}

/// Dice that fall the same way for the same seed: for tests.
#[derive(Debug)]
pub struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .fill_bytes(buffer);
    }
}

/// A version 4 UUID.
pub fn uuid(dice: &dyn Random) -> Uuid {
    uuid::Builder::from_random_bytes(bytes::<16>(dice)).into_uuid()
}

pub fn bytes<const N: usize>(dice: &dyn Random) -> [u8; N] {
    let mut buffer = [0; N];
    dice.fill(&mut buffer);
    buffer
}

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LETTERS: &[u8] = ALPHANUMERIC.split_at(52).0;

/// `length` characters of A–Z, a–z, 0–9, all equally likely.
pub fn alphanumeric(dice: &dyn Random, length: usize) -> String {
    draw(dice, ALPHANUMERIC, length)
}

/// `length` decimal digits, all equally likely.
pub fn digits(dice: &dyn Random, length: usize) -> String {
    draw(dice, b"0123456789", length)
}

/// `length` characters of a–z, 0–9, all equally likely.
pub fn lower_alphanumeric(dice: &dyn Random, length: usize) -> String {
    draw(dice, b"abcdefghijklmnopqrstuvwxyz0123456789", length)
}

/// `length` letters of A–Z, a–z, all equally likely.
pub fn letters(dice: &dyn Random, length: usize) -> String {
    draw(dice, LETTERS, length)
}

fn draw(dice: &dyn Random, alphabet: &[u8], length: usize) -> String {
    // Bytes from the last, incomplete round of the alphabet are thrown away: no letter is likelier.
    let limit = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(length);
    let mut buffer = [0_u8; 64];
    while out.len() < length {
        dice.fill(&mut buffer);
        for byte in buffer {
            if usize::from(byte) < limit && out.len() < length {
                out.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
            }
        }
    }
    out
}
