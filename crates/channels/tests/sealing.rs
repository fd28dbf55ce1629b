//! Sealing personal data, and erasing it by deleting its key.

use std::path::Path;

use omnifold_channels::sealing::{Keyring, KeyringError, recipient_purpose};
use omnifold_events::v1;
use tempfile::TempDir;

fn ring() -> (TempDir, Keyring) {
    let dir = TempDir::new().expect("a folder");
    let ring = Keyring::open_or_create(&dir.path().join("keys")).expect("a keyring");
    (dir, ring)
}

fn error<T>(result: Result<T, KeyringError>) -> KeyringError {
    result.err().expect("refused")
}

#[test]
fn what_is_sealed_opens_again_and_shows_nothing() {
    let (_dir, ring) = ring();
    let sealed =
        ring.seal("ada@example.org", "recipient", b"Ada Lovelace, 5 High St").expect("sealed");
    assert_eq!(ring.unseal("recipient", &sealed).expect("opened"), b"Ada Lovelace, 5 High St");
    let shows = |clear: &[u8]| sealed.ciphertext.windows(clear.len()).any(|part| part == clear);
    assert!(!sealed.key_id.contains("example") && !shows(b"Ada") && !shows(b"High St"));
    assert_eq!(sealed.nonce.len(), 24);
    assert_eq!(sealed.ciphertext.len(), 23 + 16);
}

#[test]
fn the_same_input_gives_the_same_bytes_also_after_a_restart() {
    let dir = TempDir::new().expect("a folder");
    let seal = || {
        let ring = Keyring::open_or_create(dir.path()).expect("a keyring");
        ring.seal("p1", "recipient", b"Ada").expect("sealed")
    };
    let first = seal();
    assert_eq!(first, seal());
    let ring = Keyring::open(dir.path()).expect("it is there");
    assert_ne!(first, ring.seal("p2", "recipient", b"Ada").expect("sealed"));
    assert_ne!(first.nonce, ring.seal("p1", "other", b"Ada").expect("sealed").nonce);
}

#[test]
fn a_purpose_binds_the_bytes_to_their_place() {
    let (_dir, ring) = ring();
    let purpose = recipient_purpose("web", "1001");
    let sealed = ring.seal("p1", &purpose, b"Ada").expect("sealed");
    let other = recipient_purpose("web", "1002");
    assert!(matches!(error(ring.unseal(&other, &sealed)), KeyringError::NotAuthentic { .. }));
    let swapped = v1::Sealed { nonce: vec![0; 24], ..sealed };
    assert!(matches!(error(ring.unseal(&purpose, &swapped)), KeyringError::NotAuthentic { .. }));
}

#[test]
fn a_forgotten_person_cannot_be_read_or_recognised_and_others_can() {
    let (_dir, ring) = ring();
    let ada = ring.seal("ada", "recipient", b"Ada").expect("sealed");
    let bob = ring.seal("bob", "recipient", b"Bob").expect("sealed");
    let pseudonym = ring.pseudonym("ada").expect("a pseudonym");

    assert!(ring.forget("ada").expect("forgotten"));
    let gone = error(ring.unseal("recipient", &ada));
    assert!(matches!(&gone, KeyringError::Erased { key_id } if *key_id == ada.key_id), "{gone}");
    assert_eq!(ring.unseal("recipient", &bob).expect("opened"), b"Bob");
    assert!(!ring.forget("ada").expect("nothing left to forget"));

    let again = ring.seal("ada", "recipient", b"Ada").expect("sealed under a new key");
    assert_ne!(again.key_id, ada.key_id);
    assert_ne!(ring.pseudonym("ada").expect("a pseudonym"), pseudonym);
    assert!(matches!(error(ring.unseal("recipient", &ada)), KeyringError::Erased { .. }));
}

fn folder_holds(dir: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).expect("a folder").any(|entry| {
        let bytes = std::fs::read(entry.expect("an entry").path()).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn a_forgotten_key_is_in_none_of_the_folders_files() {
    let dir = TempDir::new().expect("a folder");
    let ring = Keyring::open_or_create(dir.path()).expect("a keyring");
    let kept = ring.seal("bob", "recipient", b"Bob").expect("sealed").key_id;
    let gone = ring.seal("ada@example.org", "recipient", b"Ada").expect("sealed").key_id;
    let day = ring.seal_expiring(20_000, "rejected", b"bytes").expect("sealed").key_id;
    assert!(folder_holds(dir.path(), gone.as_bytes()), "the check would see it");
    ring.forget("ada@example.org").expect("forgotten");
    assert!(folder_holds(dir.path(), kept.as_bytes()));
    assert!(!folder_holds(dir.path(), gone.as_bytes()), "key rows hold the key id");
    assert!(!folder_holds(dir.path(), b"ada@example.org"), "persons are never named");
    assert_eq!(day, "day20000");
}

#[test]
fn many_persons_are_prepared_at_once_and_once() {
    let (_dir, ring) = ring();
    let persons: Vec<String> = (0..500).map(|n| format!("p{n}")).collect();
    let before = ring.seal("p7", "recipient", b"x").expect("sealed");
    ring.prepare(persons.iter().chain(&persons).map(String::as_str)).expect("prepared");
    assert_eq!(ring.seal("p7", "recipient", b"x").expect("sealed"), before);
    let mut ids: Vec<String> = persons
        .iter()
        .map(|person| ring.seal(person, "recipient", b"x").expect("sealed").key_id)
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 500);
}

#[test]
fn threads_that_seal_for_one_person_share_one_key() {
    let (_dir, ring) = ring();
    let seal = || ring.seal("ada", "recipient", b"Ada").expect("sealed");
    let all: Vec<v1::Sealed> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(seal)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(all.iter().all(|sealed| *sealed == all[0]));
}

#[test]
fn expiring_keys_are_dropped_by_day_and_never_made_again() {
    let (_dir, ring) = ring();
    let seal = |day| ring.seal_expiring(day, "rejected", b"bytes");
    let sealed: Vec<_> = [-3, 0, 20_000, 20_001].map(|day| seal(day).expect("sealed")).into();
    assert_eq!(sealed[2], seal(20_000).expect("the same bytes again"));
    assert_eq!(ring.unseal("rejected", &sealed[0]).expect("opened"), b"bytes");

    assert_eq!(ring.drop_expired(20_001).expect("dropped"), 3);
    for old in &sealed[..3] {
        assert!(matches!(error(ring.unseal("rejected", old)), KeyringError::Erased { .. }));
    }
    assert_eq!(ring.unseal("rejected", &sealed[3]).expect("opened"), b"bytes");
    let refused = error(seal(20_000));
    assert!(matches!(refused, KeyringError::DayDropped { day: 20_000, dropped_before: 20_001 }));
    assert_eq!(ring.drop_expired(5).expect("nothing left"), 0);
    assert!(matches!(error(seal(20_000)), KeyringError::DayDropped { .. }));
}

#[test]
fn a_missing_keyring_is_named() {
    let dir = TempDir::new().expect("a folder");
    let absent = dir.path().join("none");
    for result in [Keyring::open(&absent), Keyring::open_read_only(&absent)] {
        let error = error(result);
        assert!(matches!(error, KeyringError::Missing { .. }));
        assert!(error.to_string().contains("none"), "{error}");
    }
    assert!(!absent.exists(), "looking does not make one");
}

#[test]
fn a_keyring_open_elsewhere_is_named() {
    let dir = TempDir::new().expect("a folder");
    let _first = Keyring::open_or_create(dir.path()).expect("a keyring");
    let error = error(Keyring::open_or_create(dir.path()));
    assert!(matches!(error, KeyringError::InUse { .. }), "{error}");
}

#[test]
fn a_read_only_keyring_opens_and_seals_but_makes_no_key() {
    let dir = TempDir::new().expect("a folder");
    let ring = Keyring::open_or_create(dir.path()).expect("a keyring");
    let sealed = ring.seal("ada", "recipient", b"Ada").expect("sealed");
    let reader = Keyring::open_read_only(dir.path()).expect("a second reader");
    assert_eq!(reader.unseal("recipient", &sealed).expect("opened"), b"Ada");
    assert_eq!(reader.seal("ada", "recipient", b"Ada").expect("sealed"), sealed);
    for refused in [
        error(reader.seal("bob", "recipient", b"Bob")),
        error(reader.forget("ada").map(drop).and(reader.seal("bob", "r", b"x"))),
        error(reader.seal_expiring(1, "rejected", b"x")),
    ] {
        assert!(matches!(refused, KeyringError::ReadOnly { .. }), "{refused}");
    }
}

#[test]
fn a_folder_of_something_else_is_not_taken_for_a_keyring() {
    let dir = TempDir::new().expect("a folder");
    let db = rocksdb::DB::open_default(dir.path()).expect("another database");
    db.put(b"m:format", [9]).expect("written");
    drop(db);
    let error = error(Keyring::open_or_create(dir.path()));
    assert!(matches!(error, KeyringError::Format { .. }), "{error}");
    assert!(error.to_string().contains('9'), "{error}");
}

#[test]
fn only_the_owner_may_read_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, _ring) = ring();
    let mode = std::fs::metadata(dir.path().join("keys")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
