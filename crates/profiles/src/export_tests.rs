use super::*;
use crate::draft::Read;
use crate::import::{Error as Fault, Source, understand};
use crate::profile::Links;
use crate::{Draft, IngestDraft, PlaybackDraft};

fn whole() -> Read {
    let secret = Secret::new;
    let draft = Draft {
        name: "무대 one".to_owned(),
        provider: Some("nginx-rtmp".to_owned()),
        ingests: vec![
            IngestDraft {
                address: secret("rtmp://me:tell@h/live/in?auth=tell"),
                key: Some(secret("stage-hush")),
                ..Default::default()
            },
            IngestDraft {
                role: Role::Backup,
                address: secret("rtmps://b/a/b"),
                key: Some(secret("hush+/=2")),
                ..Default::default()
            },
        ],
        ca: Some("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".to_owned()),
        playback: Some(PlaybackDraft {
            url: secret("https://cdn.example/hls/stage-hush.m3u8?token=tell"),
            headers: Some(vec![("X-Token".to_owned(), secret("tell"))]),
            cookies: Some(secret("a=tell")),
            ..Default::default()
        }),
        ladder: vec![1080, 720],
        encoding: Some(crate::catalogue::custom().presets(None).remove(0)),
        links: Links { console: Some("https://h/console".to_owned()), ..Links::default() },
        channel: Some("77".to_owned()),
        notes: "Door code\nis on the board".to_owned(),
        ..Draft::default()
    };
    draft.read(None).unwrap()
}

/// Both with the ids taken out, which are made anew.
fn alike(one: &Read, other: &Read) {
    let bare = |read: &Read| {
        let mut profile = read.profile.clone();
        profile.id.clear();
        let ids: Vec<_> = profile.ingests.iter_mut().map(|ingest| std::mem::take(&mut ingest.id)).collect();
        let secrets: Vec<_> = ids.iter().map(|id| read.secrets.ingest(id)).collect();
        (profile, secrets, read.secrets.playback.clone())
    };
    assert_eq!(bare(one), bare(other));
}

#[test]
fn a_bundle_without_keys_comes_back_without_keys() {
    let read = whole();
    let bundle = bundle(&[&read.profile]).unwrap();
    assert!(!bundle.contains("hush") && !bundle.contains("tell"), "{bundle}");
    assert!(bundle.contains("https://cdn.example/hls/{key}.m3u8"));
    for (text, source) in [(bundle.clone(), Source::Bundle), (link(&bundle), Source::Link)] {
        let found = understand(&text, None).unwrap();
        assert_eq!((found.source, found.ignored.len(), found.needs.len()), (source, 0, 2));
        let back = found.drafts[0].read(None).unwrap();
        alike(&back, &Read { secrets: Secrets::default(), ..read.clone() });
    }
}

#[test]
fn a_sealed_bundle_comes_back_whole_and_shows_nothing() {
    let read = whole();
    let sealed = bundle_with_keys(&[(&read.profile, &read.secrets)]).unwrap();
    assert!(
        !sealed.bundle.contains("cdn.example") && !format!("{sealed:?}").contains(sealed.passphrase.expose())
    );
    assert!(matches!(understand(&sealed.bundle, None), Err(Fault::Sealed)));
    let wrong = understand(&sealed.bundle, Some(&Secret::new("wrong")));
    assert_eq!(wrong.unwrap_err().code(), "passphrase-wrong");
    for text in [sealed.bundle.clone(), link(&sealed.bundle)] {
        let found = understand(&text, Some(&sealed.passphrase)).unwrap();
        assert!(!format!("{found:?}").contains("hush") && !format!("{found:?}").contains("tell"));
        alike(&found.drafts[0].read(None).unwrap(), &read);
    }
}

#[test]
fn a_grove_link_holds_no_key_and_comes_back() {
    let read = whole();
    let link = grove(&[&read.profile], read.profile.encoding.as_ref());
    assert!(!link.contains("hush") && !link.contains("tell"), "{link}");
    let found = understand(&link, None).unwrap();
    let names: Vec<_> = found.drafts.iter().map(|draft| draft.name.as_str()).collect();
    assert_eq!(names, ["무대 one", "무대 one (backup)"]);
    let server = |at: usize| {
        let read = found.drafts[at].read(None).unwrap();
        assert_eq!(read.secrets, Secrets::default());
        read.profile.ingests[0].server.clone()
    };
    assert_eq!((server(0), server(1)), ("rtmp://h/live/in".to_owned(), "rtmps://b/a/b".to_owned()));
    let encoding = read.profile.encoding.unwrap();
    assert_eq!(found.encoding.unwrap().over(&encoding), encoding);
    assert!(found.ignored.is_empty());
}

#[test]
fn a_private_key_in_the_place_of_an_authority_is_not_taken() {
    let text = r#"{"tamarack":1,"connections":[{"name":"x","ingests":[{"server":"rtmp://h/live"}],
        "ca":"-----BEGIN PRIVATE KEY-----\nx\n","later":1}],"later":2}"#;
    let found = understand(text, None).unwrap();
    assert_eq!(
        (found.drafts[0].ca.as_ref(), found.ignored),
        (None, vec!["later".to_owned(), "ca".to_owned()])
    );
}
