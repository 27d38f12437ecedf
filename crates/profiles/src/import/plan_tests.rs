use media::Secret;

use super::*;
use crate::import::understand;
use crate::keys::{Kind, Options};

struct Desk {
    home: tempfile::TempDir,
    store: Store,
    keys: KeyStore,
}

fn desk() -> Desk {
    let home = tempfile::tempdir().unwrap();
    let options = Options { kind: Some(Kind::Memory), ..Options::default() };
    let keys = KeyStore::open(home.path(), &options).unwrap();
    Desk { store: Store::new(home.path()), keys, home }
}

impl Desk {
    fn plan(&self, text: &str) -> Plan {
        plan(&understand(text, None).unwrap(), &self.store.load().unwrap())
    }

    fn apply(&self, mut plan: Plan) -> Vec<Applied> {
        plan.apply(&self.store, &self.keys).unwrap()
    }

    fn key(&self, name: &str) -> Option<String> {
        let book = self.store.load().unwrap();
        let profile = book.profiles().iter().find(|profile| profile.name == name)?;
        let secrets = self.keys.read(&profile.id).unwrap();
        secrets.ingest(&profile.ingests[0].id).key.map(|key| key.expose().to_owned())
    }
}

fn grove(name: &str, url: &str) -> String {
    format!("larix://set/v1?conn[][url]={url}&conn[][name]={name}")
}

#[test]
fn a_table_is_shown_before_anything_is_saved() {
    let desk = desk();
    let text = r#"{"name":"Stage","rtmpUrl":"rtmp://h/live","streamKey":"hush","hlsUrl":"https://h/hush.m3u8?t=tell","x":"y"}"#;
    let plan = desk.plan(text);
    let change = &plan.changes()[0];
    assert_eq!((change.action, change.name.as_str(), change.keys), (Action::Add, "Stage", true));
    assert_eq!(change.ingests, ["rtmp://h/live"]);
    assert_eq!(change.playback_url.as_deref(), Some("https://h/{key}.m3u8"));
    assert_eq!((change.ignored.as_slice(), change.ca), (&["x".to_owned()][..], false));
    assert_eq!(change.notices, [Notice::KeyInPlayback]);
    let shown = format!("{plan:?}");
    assert!(!shown.contains("hush") && !shown.contains("tell"), "{shown}");
    assert!(std::fs::read_dir(desk.home.path()).unwrap().next().is_none(), "something was saved");
    assert_eq!(desk.apply(plan)[0].name, "Stage");
    assert_eq!(desk.key("Stage").as_deref(), Some("hush"));
}

#[test]
fn a_clash_waits_for_a_choice() {
    let desk = desk();
    desk.apply(desk.plan(&grove("Stage", "rtmp://h/live/first")));
    let again = || desk.plan(&grove("Stage", "rtmp://other/live/second"));
    assert_eq!(again().changes()[0].clash.as_ref().unwrap().name, "Stage");
    assert_eq!(desk.apply(again()), []);
    let mut both = again();
    both.set(0, Action::KeepBoth).unwrap();
    assert_eq!(both.set(0, Action::Add).unwrap_err().code(), "import-choice");
    assert_eq!(desk.apply(both)[0].name, "Stage 2");
    assert_eq!(
        (desk.key("Stage").as_deref(), desk.key("Stage 2").as_deref()),
        (Some("first"), Some("second"))
    );
    let before = desk.store.load().unwrap().profiles()[0].clone();
    let mut replace = again();
    replace.set(0, Action::Replace).unwrap();
    assert_eq!(desk.apply(replace)[0].id, before.id);
    assert_eq!(desk.key("Stage").as_deref(), Some("second"));
    assert_eq!(desk.store.load().unwrap().profiles()[0].ingests[0].server, "rtmp://other/live");
    let wish = desk.plan(&format!("{}&conn[][overwrite]=on", grove("Stage", "rtmp://h/live/x")));
    assert_eq!((wish.changes()[0].action, wish.changes()[0].suggested), (Action::Skip, Action::Replace));
}

#[test]
fn what_is_replaced_keeps_its_key_for_its_own_server_only() {
    let desk = desk();
    desk.apply(desk.plan(&grove("Stage", "rtmp://h/live/hush")));
    let bundle = |server: &str, playback: &str| {
        format!(
            r#"{{"tamarack":1,"connections":[{{"name":"Stage","ingests":[{{"server":"{server}"}}]{playback}}}]}}"#
        )
    };
    let replace = |text: &str| {
        let mut plan = desk.plan(text);
        plan.set(0, Action::Replace).unwrap();
        desk.apply(plan);
        desk.key("Stage")
    };
    assert_eq!(replace(&bundle("rtmp://h/live", "")).as_deref(), Some("hush"));
    let evil = r#","playback":{"url":"https://evil.example/{key}.m3u8","derived":"typed"}"#;
    let told = desk.plan(&bundle("rtmp://h/live", evil));
    assert_eq!(told.changes()[0].notices, [Notice::KeyInPlayback]);
    assert_eq!(replace(&bundle("rtmp://h/live", evil)), None);
    assert_eq!(replace(&bundle("rtmp://evil/live", "")), None);
}

#[test]
fn a_new_key_alone_leaves_the_rest_as_it_was() {
    let desk = desk();
    let full = r#"{"name":"Stage","rtmpUrl":"rtmp://h/live","streamKey":"first-key","hlsUrl":"https://h/first-key.m3u8?t=tell",
        "MediaLiveChannelId":"77"}"#;
    desk.apply(desk.plan(full));
    let replace = |url: &str| {
        let mut plan = desk.plan(&grove("Stage", url));
        plan.set(0, Action::Replace).unwrap();
        desk.apply(plan);
        let profile = desk.store.load().unwrap().profiles()[0].clone();
        (
            profile.playback.map(|playback| playback.url),
            profile.channel,
            desk.keys.read(&profile.id).unwrap().playback,
        )
    };
    let (playback, channel, access) = replace("rtmp://h/live/second-key");
    assert_eq!((playback.as_deref(), channel.as_deref()), (Some("https://h/{key}.m3u8"), Some("77")));
    assert_eq!(access.query.unwrap().expose(), "t=tell");
    assert_eq!(desk.key("Stage").as_deref(), Some("second-key"));
    let (playback, channel, access) = replace("rtmp://other/live/third-key");
    assert_eq!((playback, channel, access), (None, None, crate::Access::default()));
}

#[test]
fn the_same_stream_under_another_name_is_found() {
    let desk = desk();
    desk.apply(desk.plan(&grove("Stage", "rtmp://h/live/hush")));
    let mut plan = desk.plan(&grove("Hall", "rtmp://h/live/hush"));
    plan.find_same(&desk.store.load().unwrap(), &desk.keys).unwrap();
    assert_eq!(plan.changes()[0].clash.as_ref().unwrap().name, "Stage");
    let mut plan = desk.plan(&grove("Hall", "rtmp://h/live/other"));
    plan.find_same(&desk.store.load().unwrap(), &desk.keys).unwrap();
    assert_eq!(plan.changes()[0].clash, None);
}

#[test]
fn what_cannot_be_saved_says_why() {
    let desk = desk();
    let mut plan = desk.plan("https://h/i.m3u8");
    assert_eq!(plan.changes()[0].fault.as_ref().unwrap().code(), "profile-no-ingest");
    assert_eq!(plan.set(0, Action::Add).unwrap_err().code(), "import-choice");
    assert_eq!(desk.apply(plan), []);
}

#[test]
fn all_is_saved_or_nothing_and_secrets_are_taken_back() {
    let desk = desk();
    desk.apply(desk.plan(&grove("Stage", "rtmp://h/live/first")));
    let id = desk.store.load().unwrap().profiles()[0].id.clone();
    let kept = desk.keys.read(&id).unwrap();
    let text =
        format!("{}&conn[][url]=rtmp://h/live/new&conn[][name]=New", grove("Stage", "rtmp://h/live/second"));
    let mut plan = desk.plan(&text);
    plan.set(0, Action::Replace).unwrap();
    // The file cannot be written, since its copies cannot be moved.
    let blocked = desk.home.path().join("connections.5.json");
    std::fs::create_dir(&blocked).unwrap();
    std::fs::write(desk.home.path().join("connections.4.json"), "x").unwrap();
    let error = plan.apply(&desk.store, &desk.keys).unwrap_err();
    assert_eq!(error.code(), "settings-not-written");
    assert_eq!(desk.keys.read(&id).unwrap(), kept);
    std::fs::remove_dir(&blocked).unwrap();
    assert_eq!(desk.store.load().unwrap().profiles().len(), 1);
    // The same plan can be tried again, once.
    assert_eq!(plan.apply(&desk.store, &desk.keys).unwrap().len(), 2);
    assert_eq!(plan.apply(&desk.store, &desk.keys).unwrap(), []);
    assert_eq!(desk.key("New").as_deref(), Some("new"));
}

#[test]
fn a_locked_key_store_saves_nothing() {
    let desk = desk();
    let passphrase = Some(Secret::new("long enough"));
    let file = Options { kind: Some(Kind::File), passphrase, ..Options::default() };
    drop(KeyStore::open(desk.home.path(), &file).unwrap());
    let locked = KeyStore::open(desk.home.path(), &Options { passphrase: None, ..file }).unwrap();
    let mut plan = desk.plan(&grove("Stage", "rtmp://h/live/hush"));
    assert_eq!(plan.apply(&desk.store, &locked).unwrap_err().code(), "key-store-locked");
    assert_eq!(desk.store.load().unwrap(), Book::default());
}
