//! Bytes that only a passphrase opens: the file of keys, and bundles with keys.
//!
//! The passphrase becomes a key by Argon2id (RFC 9106, with the second of the parameter sets that its
//! section 4 recommends); the bytes are sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). What
//! surrounds them is JSON, so that a later version can change either.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use media::Secret;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The shortest passphrase that a person may choose, in characters.
pub const SHORTEST_PASSPHRASE: usize = 8;

/// Memory in KiB, passes, lanes (RFC 9106, 4).
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

/// A file may not make us take more memory or time than this.
const HIGHEST: Cost = Cost { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

/// What ties sealed bytes to this format.
const CONTEXT: &[u8] = b"tamarack sealed 1";

/// Letters that are not mistaken for one another when they are read out: 32, so each is worth 5 bits.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    sealed: u32,
    #[serde(flatten)]
    cost: Cost,
    salt: String,
    nonce: String,
    bytes: String,
}

/// A key made from a passphrase, so that the slow part is done once.
pub(super) struct Key {
    salt: [u8; 16],
    cost: Cost,
    bytes: [u8; 32],
}

impl Drop for Key {
    fn drop(&mut self) {
        // Nothing may optimise this away, since the bytes are looked at afterwards.
        self.bytes.fill(0);
        std::hint::black_box(&self.bytes);
    }
}

impl Key {
    pub(super) fn new(passphrase: &Secret) -> Result<Self, Error> {
        let mut salt = [0; 16];
        random(&mut salt)?;
        Self::derive(passphrase, salt, COST)
    }

    fn derive(passphrase: &Secret, salt: [u8; 16], cost: Cost) -> Result<Self, Error> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(|_| Error::Sealed)?);
        let mut bytes = [0; 32];
        let made = argon.hash_password_into(passphrase.expose().as_bytes(), &salt, &mut bytes);
        made.map_err(|_| Error::Sealed)?;
        Ok(Self { salt, cost, bytes })
    }

    pub(super) fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; 24];
        random(&mut nonce)?;
        let payload = Payload { msg: bytes, aad: CONTEXT };
        let cipher = XChaCha20Poly1305::new(&self.bytes.into());
        let sealed = cipher.encrypt(&nonce.into(), payload).map_err(|_| Error::Sealed)?;
        let envelope = Envelope {
            sealed: 1,
            cost: self.cost,
            salt: BASE64_STANDARD.encode(self.salt),
            nonce: BASE64_STANDARD.encode(nonce),
            bytes: BASE64_STANDARD.encode(sealed),
        };
        serde_json::to_vec_pretty(&envelope).map_err(|_| Error::Sealed)
    }

    /// The key that an envelope was sealed with, and what it holds.
    pub(super) fn open(envelope: &[u8], passphrase: &Secret) -> Result<(Self, Vec<u8>), Error> {
        let read = Envelope::read(envelope)?;
        let key = Self::derive(passphrase, read.salt()?, read.cost)?;
        // A wrong passphrase and a changed byte cannot be told apart.
        let opened = key.decrypt(&read)?.ok_or(Error::Passphrase)?;
        Ok((key, opened))
    }

    /// What an envelope holds, if it was sealed with this very key.
    pub(super) fn reopen(&self, envelope: &[u8]) -> Result<Vec<u8>, Error> {
        let read = Envelope::read(envelope)?;
        if read.salt()? != self.salt || read.cost != self.cost {
            return Err(Error::Locked);
        }
        self.decrypt(&read)?.ok_or(Error::Sealed)
    }

    fn decrypt(&self, envelope: &Envelope) -> Result<Option<Vec<u8>>, Error> {
        let nonce: [u8; 24] = decode(&envelope.nonce)?.try_into().map_err(|_| Error::Sealed)?;
        let bytes = decode(&envelope.bytes)?;
        let cipher = XChaCha20Poly1305::new(&self.bytes.into());
        let payload = Payload { msg: &bytes[..], aad: CONTEXT };
        Ok(cipher.decrypt(&nonce.into(), payload).ok())
    }
}

impl Envelope {
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let read: Self = serde_json::from_slice(bytes).map_err(|_| Error::Sealed)?;
        let Cost { memory_kib, passes, lanes } = read.cost;
        let dear =
            memory_kib > HIGHEST.memory_kib || passes > HIGHEST.passes || lanes > HIGHEST.lanes || lanes == 0;
        if read.sealed != 1 || dear { Err(Error::Sealed) } else { Ok(read) }
    }

    fn salt(&self) -> Result<[u8; 16], Error> {
        decode(&self.salt)?.try_into().map_err(|_| Error::Sealed)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, Error> {
    BASE64_STANDARD.decode(text).map_err(|_| Error::Sealed)
}

/// Seals bytes under a passphrase.
///
/// # Errors
/// When the system gives no random numbers.
pub fn seal(bytes: &[u8], passphrase: &Secret) -> Result<Vec<u8>, Error> {
    Key::new(passphrase)?.seal(bytes)
}

/// Opens what [`seal`] has made.
///
/// # Errors
/// [`Error::Passphrase`] when it does not fit; [`Error::Sealed`] when this was never sealed.
pub fn open(envelope: &[u8], passphrase: &Secret) -> Result<Vec<u8>, Error> {
    Ok(Key::open(envelope, passphrase)?.1)
}

/// A new passphrase of 80 bits, in groups that can be read out.
///
/// # Errors
/// When the system gives no random numbers.
pub fn passphrase() -> Result<Secret, Error> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Secret::new(groups.join("-")))
}

fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|_| Error::NoRandom)
}
