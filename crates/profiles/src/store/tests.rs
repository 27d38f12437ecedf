use super::*;
use crate::profile::{Ingest, Profile};

fn profile(id: &str, name: &str) -> Profile {
    let ingests =
        vec![Ingest { id: "a".to_owned(), server: "rtmp://h/live".to_owned(), ..Default::default() }];
    Profile { id: id.to_owned(), name: name.to_owned(), ingests, ..Default::default() }
}

fn store() -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path().join("not yet there"));
    (home, store)
}

fn names(store: &Store) -> Vec<String> {
    store.load().unwrap().profiles().iter().map(|profile| profile.name.clone()).collect()
}

#[test]
fn what_is_saved_comes_back_and_five_older_copies_stay() {
    let (_home, store) = store();
    assert_eq!(store.load().unwrap(), Book::default());
    for at in 0..8 {
        store.change(|book| book.put(profile(&at.to_string(), &format!("n{at}")))).unwrap();
    }
    assert_eq!(names(&store).len(), 8);
    let copies: Vec<_> = (1..=6).map(|at| store.copy(at).exists()).collect();
    assert_eq!(copies, [true, true, true, true, true, false]);
    assert_eq!(read(&store.copy(1)).unwrap().profiles().len(), 7);
    assert_eq!(read(&store.copy(5)).unwrap().profiles().len(), 3);
    // Going live does not push older copies out.
    let used = |book: &mut Book| {
        book.used("0", 1_700_000_000);
        Ok(())
    };
    store.change(used).unwrap();
    assert_eq!(read(&store.copy(1)).unwrap().profiles().len(), 7);
    assert_eq!(store.load().unwrap().recent()[0].id, "0");
}

#[test]
fn a_change_that_fails_changes_nothing() {
    let (_home, store) = store();
    store.change(|book| book.put(profile("1", "one"))).unwrap();
    let failed = store.change(|book| {
        book.put(profile("2", "two"))?;
        book.put(profile("3", "one"))
    });
    assert!(matches!(failed, Err(Error::NameTaken(name)) if name == "one"));
    assert_eq!(names(&store), ["one"]);
}

#[test]
fn a_file_that_cannot_be_read_is_never_overwritten() {
    let (_home, store) = store();
    store.change(|book| book.put(profile("1", "one"))).unwrap();
    store.change(|book| book.put(profile("2", "two"))).unwrap();
    for broken in ["", "{", "[]", "{\"version\":1,\"profiles\":7}", "{\"profiles\":[]}"] {
        std::fs::write(store.path(), broken).unwrap();
        let Err(Error::Unreadable { last_good, .. }) = store.load() else { panic!("{broken:?} was read") };
        assert_eq!(last_good, Some(store.copy(1)), "{broken:?}");
        assert!(store.change(|book| book.put(profile("3", "three"))).is_err());
        assert_eq!(std::fs::read_to_string(store.path()).unwrap(), broken);
    }
    let aside = store.recover().unwrap().unwrap();
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"profiles\":[]}");
    assert_eq!(names(&store), ["one"]);
    assert_eq!(store.recover().unwrap(), None);
}

#[test]
fn a_later_version_s_file_is_left_alone() {
    let (_home, store) = store();
    store.change(|book| book.put(profile("1", "one"))).unwrap();
    let later = "{\"version\":99,\"profiles\":[]}";
    std::fs::write(store.path(), later).unwrap();
    assert!(matches!(store.load(), Err(Error::Newer { version: 99, .. })));
    assert!(store.change(|book| book.put(profile("2", "two"))).is_err());
    assert_eq!(store.recover().unwrap(), None);
    assert_eq!(std::fs::read_to_string(store.path()).unwrap(), later);
}

#[test]
fn what_a_later_version_added_survives() {
    let (_home, store) = store();
    let written = r#"{"version":1,"theme":"x","profiles":[{"id":"1","name":"one","colour":"red",
        "ingests":[{"id":"a","server":"rtmp://h/live","weight":3}],"playback":{"url":"http://h/","drm":true}}]}"#;
    std::fs::create_dir_all(store.home()).unwrap();
    std::fs::write(store.path(), written).unwrap();
    store.change(|book| book.put(profile("2", "two"))).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(store.path()).unwrap()).unwrap();
    assert_eq!(kept["theme"], "x");
    let first = &kept["profiles"][0];
    assert_eq!((&first["colour"], &first["ingests"][0]["weight"]), (&"red".into(), &3.into()));
    assert_eq!(first["playback"]["drm"], true);
}

#[test]
fn older_versions_are_lifted_step_by_step() {
    let steps: [migrate::Step; 2] = [
        |map| {
            let old = map.remove("connections").unwrap_or_default();
            map.insert("profiles".to_owned(), old);
        },
        |map| {
            for profile in map["profiles"].as_array_mut().unwrap() {
                profile["name"] = profile["title"].take();
            }
        },
    ];
    let lifted = |text: &str| migrate::read(text.as_bytes(), &steps).unwrap().profiles()[0].name.clone();
    assert_eq!(lifted(r#"{"version":1,"connections":[{"id":"1","title":"one"}]}"#), "one");
    assert_eq!(lifted(r#"{"version":2,"profiles":[{"id":"1","title":"two"}]}"#), "two");
    assert_eq!(lifted(r#"{"version":3,"profiles":[{"id":"1","name":"three"}]}"#), "three");
    assert_eq!(migrate::read(br#"{"version":4}"#, &steps), Err(migrate::Fault::Newer(4)));
}

#[test]
fn connections_are_found_ordered_and_duplicated() {
    let mut book = Book::default();
    for (id, name) in [("1", "Main stage"), ("2", "Side stage"), ("3", "Studio")] {
        book.put(profile(id, name)).unwrap();
    }
    assert_eq!(book.by_name("Studio").unwrap().id, "3");
    assert_eq!(book.by_name("side").unwrap().id, "2");
    assert!(matches!(book.by_name("stage"), Err(Error::Ambiguous { .. })));
    assert!(matches!(book.by_name("roof"), Err(Error::NotFound(_))));
    assert_eq!(book.search("STAGE live").len(), 2);
    assert_eq!(book.search("roof").len(), 0);
    assert_eq!(book.duplicate("1").unwrap().name, "Main stage 2");
    assert_eq!(book.duplicate("1").unwrap().name, "Main stage 3");
    book.move_to("3", 0).unwrap();
    book.move_to("2", 99).unwrap();
    let names: Vec<_> = book.profiles().iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["Studio", "Main stage", "Main stage 3", "Main stage 2", "Side stage"]);
    book.remove("3").unwrap();
    assert!(book.by_id("3").is_err());
}

#[test]
fn two_writers_do_not_lose_each_other_s_work() {
    let (_home, store) = store();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = store.clone();
            scope.spawn(move || {
                for at in 0..5 {
                    let id = format!("{writer}-{at}");
                    store.change(|book| book.put(profile(&id, &id))).unwrap();
                }
            });
        }
    });
    assert_eq!(names(&store).len(), 20);
}
