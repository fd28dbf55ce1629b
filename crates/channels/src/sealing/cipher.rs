//! The sealing of one text under one key: no storage, no randomness.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use omnifold_events::v1;

/// A secret of 32 random bytes, from which every use derives a key of its own.
pub(super) type Secret = [u8; 32];

const ENCRYPTION: &str = "omnifold sealing v1: encryption key";
const NONCE: &str = "omnifold sealing v1: nonce key";
const PSEUDONYM: &str = "omnifold sealing v1: pseudonym key";

/// Bytes of an XChaCha20 nonce.
pub(super) const NONCE_BYTES: usize = 24;

pub(super) fn seal(secret: &Secret, key_id: &str, purpose: &str, text: &[u8]) -> v1::Sealed {
    let bound = bound_data(key_id, purpose);
    let nonce = derived_nonce(secret, &bound, text);
    let ciphertext = cipher(secret)
        .encrypt(&XNonce::from(nonce), Payload { msg: text, aad: &bound })
        .expect("a text under 256 GiB is encrypted");
    v1::Sealed { key_id: key_id.to_owned(), nonce: nonce.to_vec(), ciphertext }
}

/// `None` where the bytes, the key or the purpose are not those it was sealed with.
pub(super) fn unseal(secret: &Secret, purpose: &str, sealed: &v1::Sealed) -> Option<Vec<u8>> {
    let nonce: [u8; NONCE_BYTES] = sealed.nonce.as_slice().try_into().ok()?;
    let bound = bound_data(&sealed.key_id, purpose);
    let payload = Payload { msg: &sealed.ciphertext, aad: &bound };
    cipher(secret).decrypt(&XNonce::from(nonce), payload).ok()
}

/// A name that stands for the holder of the secret; without the secret nobody can make it again.
pub(super) fn pseudonym(secret: &Secret) -> String {
    let key = blake3::derive_key(PSEUDONYM, secret);
    hex(&blake3::keyed_hash(&key, b"").as_bytes()[..16])
}

fn cipher(secret: &Secret) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&blake3::derive_key(ENCRYPTION, secret).into())
}

/// What is authenticated beside the text. Lengths first, so that no two pairs read the same.
fn bound_data(key_id: &str, purpose: &str) -> Vec<u8> {
    let mut bound = (key_id.len() as u64).to_be_bytes().to_vec();
    bound.extend_from_slice(key_id.as_bytes());
    bound.extend_from_slice(purpose.as_bytes());
    bound
}

fn derived_nonce(secret: &Secret, bound: &[u8], text: &[u8]) -> [u8; NONCE_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key(NONCE, secret));
    hasher.update(&(bound.len() as u64).to_be_bytes());
    hasher.update(bound);
    hasher.update(text);
    let mut nonce = [0; NONCE_BYTES];
    hasher.finalize_xof().fill(&mut nonce);
    nonce
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sealed_form_never_changes() {
        let sealed = seal(&[7; 32], "k1", "test", b"Ada Lovelace");
        let written = [hex(&sealed.nonce), hex(&sealed.ciphertext), pseudonym(&[7; 32])];
        let nonce = "b326c1fb0e452e58990fd8f467e2ac5feebae6f1025106c7";
        let ciphertext = "a98d776c163bd1fa1c2b6b669e5c161100cd6fe14219b7fd02fc73fb";
        assert_eq!(written, [nonce, ciphertext, "87b2206371113021026fc6391998fac3"]);
    }

    #[test]
    fn a_nonce_repeats_only_with_the_whole_message() {
        let nonce = |secret: u8, key_id, purpose, text: &[u8]| {
            seal(&[secret; 32], key_id, purpose, text).nonce
        };
        let first = nonce(7, "k1", "p", b"Ada");
        assert_eq!(first, nonce(7, "k1", "p", b"Ada"));
        for other in [
            nonce(8, "k1", "p", b"Ada"),
            nonce(7, "k", "1p", b"Ada"),
            nonce(7, "k1", "", b"pAda"),
            nonce(7, "k1", "p", b"Adb"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_changed_bit_anywhere_does_not_open() {
        let sealed = seal(&[7; 32], "k1", "p", b"Ada");
        assert_eq!(unseal(&[7; 32], "p", &sealed).as_deref(), Some(&b"Ada"[..]));
        assert_eq!(unseal(&[8; 32], "p", &sealed), None);
        assert_eq!(unseal(&[7; 32], "q", &sealed), None);
        for at in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[at] ^= 1;
            assert_eq!(unseal(&[7; 32], "p", &changed), None);
        }
        for nonce in [vec![], vec![0; 24], sealed.nonce[..23].to_vec()] {
            assert_eq!(unseal(&[7; 32], "p", &v1::Sealed { nonce, ..sealed.clone() }), None);
        }
    }
}
