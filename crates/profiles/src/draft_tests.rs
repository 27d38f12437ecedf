use super::*;

fn ingest(address: &str) -> IngestDraft {
    IngestDraft { address: Secret::new(address), ..IngestDraft::default() }
}

fn draft(address: &str) -> Draft {
    Draft { name: "Main stage".to_owned(), ingests: vec![ingest(address)], ..Draft::default() }
}

fn playback(url: &str) -> Option<PlaybackDraft> {
    Some(PlaybackDraft { url: Secret::new(url), ..PlaybackDraft::default() })
}

fn key(read: &Read, at: usize) -> Option<String> {
    let id = &read.profile.ingests[at].id;
    read.secrets.ingest(id).key.map(|key| key.expose().to_owned())
}

#[test]
fn a_key_in_the_address_is_moved_to_the_secrets() {
    let read = draft("rtmps://a1.global-contribute.live-video.net:443/app/sk_us_hush").read(None).unwrap();
    assert_eq!(read.profile.ingests[0].server, "rtmps://a1.global-contribute.live-video.net/app");
    assert_eq!((key(&read, 0).as_deref(), read.profile.provider.as_str()), (Some("sk_us_hush"), "ivs"));
    assert_eq!(read.notices, [Notice::KeySplit]);
    let file = serde_json::to_string(&read.profile).unwrap();
    assert!(!file.contains("hush") && !format!("{read:?}").contains("hush"));
}

#[test]
fn a_connection_may_be_saved_without_its_key() {
    let read = draft("rtmps://live.cloudflare.com:443/live/").read(None).unwrap();
    assert_eq!((read.profile.provider.as_str(), key(&read, 0)), ("cloudflare", None));
    assert_eq!(read.secrets, Secrets::default());
}

#[test]
fn a_playback_address_with_the_key_is_saved_without_it_and_the_risk_is_said() {
    let draft = Draft {
        playback: playback("https://h/hls/stage-hush.m3u8?t=tell"),
        ..draft("rtmp://h/live/stage-hush")
    };
    let read = draft.read(None).unwrap();
    assert_eq!(read.profile.playback.as_ref().unwrap().url, "https://h/hls/{key}.m3u8");
    assert_eq!(read.secrets.playback.query.as_ref().unwrap().expose(), "t=tell");
    assert_eq!(read.notices, [Notice::KeySplit, Notice::KeyInPlayback]);
    let file = serde_json::to_string(&read.profile).unwrap();
    assert!(!file.contains("hush") && !file.contains("tell"));
}

#[test]
fn a_certain_playback_address_is_derived_and_follows_the_ingest() {
    let mut draft = Draft { provider: Some("nginx-rtmp".to_owned()), ..draft("rtmp://one/live/stage") };
    let first = draft.read(None).unwrap();
    let playback = first.profile.playback.clone().unwrap();
    assert_eq!((playback.url.as_str(), playback.derived), ("http://one/hls/{key}.m3u8", Derived::Rule));
    draft.ingests[0].address = Secret::new("rtmp://two/live/stage");
    let second = draft.read(Some((&first.profile, &first.secrets))).unwrap();
    assert_eq!(second.profile.playback.unwrap().url, "http://two/hls/{key}.m3u8");
    assert_eq!(second.profile.id, first.profile.id);
}

#[test]
fn what_is_not_given_again_stays_as_it_was_saved() {
    let mut first =
        Draft { playback: playback("https://h/x.m3u8?t=tell"), ..draft("rtmp://me:pass@h/live/hush") };
    first.playback.as_mut().unwrap().headers = Some(vec![("X-Key".to_owned(), Secret::new("tell"))]);
    let first = first.read(None).unwrap();
    let saved = &first.profile.ingests[0];
    assert_eq!(saved.user.as_deref(), Some("me"));
    let mut again = draft(&saved.server);
    again.ingests[0].id = Some(saved.id.clone());
    again.ingests[0].user = saved.user.clone();
    again.playback = playback("https://h/x.m3u8");
    let second = again.read(Some((&first.profile, &first.secrets))).unwrap();
    assert_eq!((&second.secrets, &second.notices), (&first.secrets, &vec![]));
    // An empty key takes it away; another server has never had it.
    again.ingests[0].key = Some(Secret::new(""));
    assert_eq!(key(&again.read(Some((&first.profile, &first.secrets))).unwrap(), 0), None);
    again.ingests[0].key = None;
    again.ingests[0].address = Secret::new("rtmp://elsewhere/live/");
    again.playback = playback("https://elsewhere/x.m3u8");
    let third = again.read(Some((&first.profile, &first.secrets))).unwrap();
    assert_eq!(third.secrets, Secrets::default());
}

#[test]
fn a_file_of_others_cannot_ask_for_the_key_at_a_place_of_its_choice() {
    let mut draft =
        Draft { playback: playback("https://evil.example/{key}.m3u8"), ..draft("rtmp://h/live/hush") };
    assert!(draft.read(None).is_ok());
    draft.playback.as_mut().unwrap().derived = Derived::Imported;
    assert!(matches!(draft.read(None), Err(Error::Playback)));
}

#[test]
fn several_ingests_have_keys_of_their_own() {
    let mut draft = draft("rtmp://198.51.100.99:1935/live/one");
    draft.provider = Some("medialive".to_owned());
    draft.variant = Some("standard".to_owned());
    draft.ingests.push(IngestDraft { role: Role::Backup, ..ingest("rtmp://192.0.2.18:1935/live/two") });
    let read = draft.read(None).unwrap();
    assert_eq!((key(&read, 0).as_deref(), key(&read, 1).as_deref()), (Some("one"), Some("two")));
    assert_eq!(read.profile.variant.as_deref(), Some("standard"));
    assert_ne!(read.profile.ingests[0].id, read.profile.ingests[1].id);
}

#[test]
fn nonsense_is_refused_by_its_place() {
    let code = |change: fn(&mut Draft)| {
        let mut draft = draft("rtmp://h/live/hush");
        change(&mut draft);
        draft.read(None).unwrap_err().code()
    };
    assert_eq!(code(|draft| draft.name = "  ".to_owned()), "profile-no-name");
    assert_eq!(code(|draft| draft.name = "a\u{7}".to_owned()), "profile-text");
    assert_eq!(code(|draft| draft.name = "x".repeat(101)), "profile-text");
    assert_eq!(code(|draft| draft.ingests.clear()), "profile-no-ingest");
    assert_eq!(code(|draft| draft.ingests = vec![ingest("rtmp://h/live/x"); 17]), "profile-too-many-ingests");
    assert_eq!(code(|draft| draft.ingests.push(ingest("http://h/live"))), "url-scheme");
    assert_eq!(code(|draft| draft.playback = playback("rtmp://h/x")), "profile-playback");
    assert_eq!(code(|draft| draft.links.console = Some("javascript:alert(1)".to_owned())), "profile-link");
    assert_eq!(code(|draft| draft.notes = "\u{1b}[31m".to_owned()), "profile-text");
    let header = |name: &str, value: &str| {
        let mut draft = Draft { playback: playback("http://h/x"), ..draft("rtmp://h/live/hush") };
        let headers = vec![(name.to_owned(), Secret::new(value))];
        draft.playback.as_mut().unwrap().headers = Some(headers);
        draft.read(None)
    };
    assert!(header("X-Token", "a b").is_ok());
    assert!(matches!(header("X Token", "a"), Err(Error::Header)));
    assert!(matches!(header("X-Token", "a\r\nHost: evil"), Err(Error::Header)));
}
