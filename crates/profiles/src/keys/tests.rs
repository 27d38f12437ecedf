use super::*;
use crate::secrets::IngestSecrets;

fn secrets(key: &str) -> Secrets {
    let mut secrets = Secrets::default();
    let ingest = IngestSecrets { key: Some(Secret::new(key)), ..IngestSecrets::default() };
    secrets.ingests.insert("a".to_owned(), ingest);
    secrets
}

fn with(kind: Kind, passphrase: Option<&str>) -> Options {
    Options { kind: Some(kind), passphrase: passphrase.map(Secret::new), ..Options::default() }
}

#[test]
fn memory_keeps_and_forgets() {
    let home = tempfile::tempdir().unwrap();
    let keys = KeyStore::open(home.path(), &with(Kind::Memory, None)).unwrap();
    keys.write("one", &secrets("hush")).unwrap();
    assert_eq!(keys.read("one").unwrap(), secrets("hush"));
    keys.remove("one").unwrap();
    assert_eq!(keys.read("one").unwrap(), Secrets::default());
    assert!(std::fs::read_dir(home.path()).unwrap().next().is_none());
}

#[test]
fn a_sealed_file_opens_with_its_passphrase_alone_and_shows_nothing() {
    let home = tempfile::tempdir().unwrap();
    let open = |passphrase| KeyStore::open(home.path(), &with(Kind::File, passphrase));
    assert!(matches!(open(Some("short")), Err(Error::ShortPassphrase(_))));
    let keys = open(Some("long enough")).unwrap();
    keys.write("one", &secrets("hush-hush")).unwrap();
    keys.write("two", &secrets("other")).unwrap();
    let bytes = std::fs::read(home.path().join("keys.sealed")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("hush") && !text.contains(&BASE64_STANDARD.encode("hush-hush")[..10]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(home.path().join("keys.sealed")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(matches!(open(Some("wrong passphrase")), Err(Error::Passphrase)));
    assert_eq!(open(Some("long enough")).unwrap().read("one").unwrap(), secrets("hush-hush"));
    let locked = open(None).unwrap();
    assert!(locked.is_locked() && matches!(locked.read("one"), Err(Error::Locked)));
    locked.unlock(&Secret::new("long enough")).unwrap();
    assert_eq!(locked.read("two").unwrap(), secrets("other"));
}

#[test]
fn what_memory_held_moves_into_the_file() {
    let home = tempfile::tempdir().unwrap();
    let keys = KeyStore::open(home.path(), &with(Kind::Memory, None)).unwrap();
    keys.write("one", &secrets("hush")).unwrap();
    keys.unlock(&Secret::new("long enough")).unwrap();
    assert_eq!(keys.kind(), Kind::File);
    let again = KeyStore::open(home.path(), &with(Kind::File, Some("long enough"))).unwrap();
    assert_eq!(again.read("one").unwrap(), secrets("hush"));
}

#[test]
fn a_damaged_or_dear_envelope_is_refused() {
    let sealed = seal(b"bytes", &Secret::new("passphrase")).unwrap();
    let text = String::from_utf8(sealed).unwrap();
    for (damaged, wrong) in [
        ("{}".to_owned(), "malformed"),
        (text.replace("65536", "4000000000"), "dear"),
        (text.replace("\"sealed\": 1", "\"sealed\": 2"), "newer"),
    ] {
        let error = open(damaged.as_bytes(), &Secret::new("passphrase"));
        assert!(matches!(error, Err(Error::Sealed)), "{wrong}");
    }
    assert_eq!(open(text.as_bytes(), &Secret::new("passphrase")).unwrap(), b"bytes");
}

#[test]
fn a_made_passphrase_has_eighty_bits() {
    let one = passphrase().unwrap();
    let letters = one.expose().chars().filter(|letter| *letter != '-').count();
    assert_eq!(letters * 5, 80);
    assert_ne!(one, passphrase().unwrap());
}

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
