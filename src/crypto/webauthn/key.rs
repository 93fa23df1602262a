//! Public keys as authenticators give them: COSE (RFC 9052, RFC 9053, RFC 8230, RFC 8812) with the ten algorithms that
//! are offered. Curve and size have to be those of the algorithm. AWS-LC looks at the signatures.
use super::cbor::{self, Item, Map};
use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};

/// `alg` of COSE, in the order in which they are offered.
pub const ALGORITHMS: [i64; 10] = [-7, -35, -36, -257, -258, -259, -37, -38, -39, -8];

/// Shortest modulus, in bytes, that is computed with: nobody could sign in with a key that has less.
const SHORTEST_MODULUS: usize = 256;
/// Longest modulus, in bytes, that is computed with.
const LONGEST_MODULUS: usize = 1024;

/// What verifies a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: i64,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    /// An uncompressed point, or the 32 bytes of Ed25519.
    Point(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// Nothing: the bytes are no key, or one of another kind.
    #[must_use]
    pub fn read(cose: &[u8]) -> Option<Self> {
        Self::of(cbor::whole(cose)?.map()?)
    }

    pub(super) fn of(map: &Map<'_>) -> Option<Self> {
        let number = |label| map.numbered(label).and_then(Item::int);
        let bytes = |label| map.numbered(label).and_then(Item::bytes);
        let algorithm = number(3)?;
        let material = match (number(1)?, algorithm) {
            (2, -7 | -35 | -36) => {
                let (curve, size) = match algorithm {
                    -7 => (1, 32),
                    -35 => (2, 48),
                    _ => (3, 66),
                };
                let (x, y) = (bytes(-2)?, bytes(-3)?);
                if number(-1)? != curve || x.len() != size || y.len() != size {
                    return None;
                }
                Material::Point([&[4], x, y].concat())
            }
            (1, -8) => {
                let point = bytes(-2).filter(|point| point.len() == 32)?;
                if number(-1)? != 6 {
                    return None;
                }
                Material::Point(point.to_vec())
            }
            (3, _) if rsa_parameters(algorithm).is_some() => {
                return Self::rsa(algorithm, bytes(-1)?, bytes(-2)?);
            }
            _ => return None,
        };
        Some(Self {
            algorithm,
            material,
        })
    }

    fn rsa(algorithm: i64, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let strip = |number: &[u8]| -> Vec<u8> {
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            number.get(zeros..).unwrap_or_default().to_vec()
        };
        let (modulus, exponent) = (strip(modulus), strip(exponent));
        let fits = (SHORTEST_MODULUS..=LONGEST_MODULUS).contains(&modulus.len())
            && (1..=8).contains(&exponent.len());
        fits.then_some(Self {
            algorithm,
            material: Material::Rsa { modulus, exponent },
        })
    }

    #[must_use]
    pub fn algorithm(&self) -> i64 {
        self.algorithm
    }

    /// The point of a key on P-256, as U2F writes it.
    pub(super) fn p256_point(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Point(point) if self.algorithm == -7 => Some(point),
            _ => None,
        }
    }

    /// Was this signed by whoever has the private key?
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Point(point) => has_signed(self.algorithm, point, message, signature),
            Material::Rsa { modulus, exponent } => {
                let Some(parameters) = rsa_parameters(self.algorithm) else {
                    return false;
                };
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(parameters, message, signature).is_ok()
            }
        }
    }
}

fn rsa_parameters(algorithm: i64) -> Option<&'static signature::RsaParameters> {
    Some(match algorithm {
        -257 => &signature::RSA_PKCS1_2048_8192_SHA256,
        -258 => &signature::RSA_PKCS1_2048_8192_SHA384,
        -259 => &signature::RSA_PKCS1_2048_8192_SHA512,
        -37 => &signature::RSA_PSS_2048_8192_SHA256,
        -38 => &signature::RSA_PSS_2048_8192_SHA384,
        -39 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// The same with a key in its own encoding, or in that of a certificate (`SubjectPublicKeyInfo`).
pub(super) fn has_signed(algorithm: i64, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let method: &'static dyn signature::VerificationAlgorithm = match algorithm {
        -7 => &signature::ECDSA_P256_SHA256_ASN1,
        -35 => &signature::ECDSA_P384_SHA384_ASN1,
        -36 => &signature::ECDSA_P521_SHA512_ASN1,
        -8 => &signature::ED25519,
        other => match rsa_parameters(other) {
            Some(parameters) => parameters,
            None => return false,
        },
    };
    UnparsedPublicKey::new(method, key)
        .verify(message, signature)
        .is_ok()
}
