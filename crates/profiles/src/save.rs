//! Saving a connection in both of its places.

use std::cell::RefCell;

use crate::draft::Read;
use crate::{Draft, Error, KeyStore, Secrets, Store};

/// Saves a new connection, or changes the one with this id. Its secrets are kept before the file names it,
/// and taken back when the file cannot be written.
///
/// # Errors
/// Those of [`Draft::read`], [`Store::change`] and [`KeyStore::write`]; then nothing is changed.
pub fn save(store: &Store, keys: &KeyStore, id: Option<&str>, draft: &Draft) -> Result<Read, Error> {
    let before: RefCell<Option<(String, Secrets)>> = RefCell::default();
    let saved = store.change(|book| {
        let profile = id.map(|id| book.by_id(id).cloned()).transpose()?;
        let secrets = profile.as_ref().map(|profile| keys.read(&profile.id)).transpose()?;
        let read = draft.read(profile.as_ref().zip(secrets.as_ref()))?;
        book.put(read.profile.clone())?;
        let secrets = secrets.unwrap_or_default();
        if read.secrets != secrets {
            keys.write(&read.profile.id, &read.secrets)?;
            before.replace(Some((read.profile.id.clone(), secrets)));
        }
        Ok(read)
    });
    if let (Err(_), Some((id, secrets))) = (&saved, before.take()) {
        // The file's error is what matters; a key too many in the store harms nobody.
        let _ = keys.write(&id, &secrets);
    }
    saved
}

#[cfg(test)]
mod tests {
    use media::Secret;

    use super::*;
    use crate::IngestDraft;
    use crate::keys::{Kind, Options};

    fn draft(name: &str, address: &str) -> Draft {
        let ingest = IngestDraft { address: Secret::new(address), ..IngestDraft::default() };
        Draft { name: name.to_owned(), ingests: vec![ingest], ..Draft::default() }
    }

    fn both() -> (tempfile::TempDir, Store, KeyStore) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(home.path());
        let options = Options { kind: Some(Kind::Memory), ..Options::default() };
        let keys = KeyStore::open(home.path(), &options).unwrap();
        (home, store, keys)
    }

    #[test]
    fn the_file_holds_no_key_and_the_key_store_does() {
        let (home, store, keys) = both();
        let read = save(&store, &keys, None, &draft("one", "rtmp://h/live/hush")).unwrap();
        assert_eq!(keys.read(&read.profile.id).unwrap(), read.secrets);
        let changed =
            save(&store, &keys, Some(&read.profile.id), &draft("two", "rtmp://h/live/hush2")).unwrap();
        assert_eq!(changed.profile.id, read.profile.id);
        assert_eq!(store.load().unwrap().profiles().len(), 1);
        for file in std::fs::read_dir(home.path()).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains("hush"), "{text}");
        }
    }

    #[test]
    fn what_fails_leaves_both_as_they_were() {
        let (_home, store, keys) = both();
        let one = save(&store, &keys, None, &draft("one", "rtmp://h/live/hush")).unwrap();
        let two = save(&store, &keys, None, &draft("two", "rtmp://h/live/hush")).unwrap();
        let failed = save(&store, &keys, Some(&two.profile.id), &draft("one", "rtmp://h/live/other"));
        assert!(matches!(failed, Err(Error::NameTaken(_))));
        assert_eq!(keys.read(&two.profile.id).unwrap(), two.secrets);
        // A folder in the place of the oldest copy keeps the file from being written.
        std::fs::write(store.home().join("connections.4.json"), "").unwrap();
        std::fs::create_dir_all(store.home().join("connections.5.json/x")).unwrap();
        let failed = save(&store, &keys, Some(&one.profile.id), &draft("one", "rtmp://h/live/other"));
        assert!(matches!(failed, Err(Error::Write { .. })));
        assert_eq!(keys.read(&one.profile.id).unwrap(), one.secrets);
    }
}
