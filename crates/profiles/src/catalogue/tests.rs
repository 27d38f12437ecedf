use super::*;
use crate::profile;

fn at(width: u32, height: u32, fps: &str, video_kbps: u32, keyframe_s: f64) -> Encoding {
    Encoding { width, height, fps: fps.to_owned(), video_kbps, audio_kbps: 128, keyframe_s }
}

fn limits(id: &str, variant: Option<&str>) -> Limits {
    find(id).unwrap().limits(variant)
}

#[test]
fn the_catalogue_is_whole() {
    let read: File = serde_json::from_str(include_str!("providers.json")).unwrap();
    assert_eq!(read.providers.len(), all().len());
    assert_eq!(custom().id, "custom");
    for provider in all() {
        let id = &provider.id;
        for preset in &provider.presets {
            assert!(read.presets.iter().any(|known| known.id == *preset), "{id}: {preset}");
        }
        for form in &provider.ingests {
            let url = form.example.as_str();
            assert!(Ingest::parse(url, Some("-")).is_ok(), "{id}: {url}");
            if !provider.hosts.is_empty() {
                assert_eq!(recognise(url).id, *id, "{url}");
                assert!(is_server(url), "{url}");
            }
        }
        for rule in &provider.playback {
            let inputs: Vec<_> = rule.inputs.iter().map(|name| (name.as_str(), "x")).collect();
            assert!(rule.fill("rtmp://h/live", &inputs).is_some(), "{id}: {}", rule.id);
        }
        let fixed = &provider.variants;
        let fixed = fixed.iter().map(|variant| Some(variant.id.as_str())).chain([None]);
        for variant in fixed {
            for preset in provider.presets(variant) {
                let broken = provider.limits(variant).check(&preset);
                let over = broken.iter().find(|excess| excess.severity == Severity::Over);
                assert!(over.is_none(), "{id} {variant:?} does not take its own preset: {over:?}");
            }
        }
    }
}

#[test]
fn services_are_known_by_their_hosts() {
    for (address, id) in [
        ("rtmps://fa723fc1b171.global-contribute.live-video.net:443/app/", "ivs"),
        ("rtmp://global-live.mux.com:5222/app", "mux"),
        ("rtmps://live.cloudflare.com:443/live/", "cloudflare"),
        ("rtmp://b.rtmp.youtube.com/live2?backup=1", "youtube"),
        ("rtmp://live-sel.twitch.tv/app", "twitch"),
        ("rtmps://live-api-s.facebook.com:443/rtmp/", "facebook"),
        ("rtmp://198.51.100.99:1935/live", "custom"),
        ("rtmp://live.cloudflare.com.evil.example/live", "custom"),
    ] {
        assert_eq!(recognise(address).id, id, "{address}");
    }
    assert_eq!(recognise_playback("https://stream.mux.com/x.m3u8").unwrap().id, "mux");
}

#[test]
fn a_limit_is_named_with_both_numbers() {
    let found = limits("ivs", Some("standard")).check(&at(1920, 1080, "30", 9000, 2.0));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].rule, found[0].severity, found[0].limit.as_str(), found[0].actual.as_str()),
        (Rule::TotalBitrate, Severity::Over, "8500", "9128")
    );
    let basic = limits("ivs", Some("basic"));
    assert_eq!(basic.check(&at(854, 480, "30", 1400, 2.0))[0].limit, "1500");
    assert_eq!(basic.check(&at(1280, 720, "30", 1400, 2.0)), []);
    let rules = |id: &str, encoding: &Encoding| -> Vec<_> {
        limits(id, None).check(encoding).into_iter().map(|excess| (excess.rule, excess.severity)).collect()
    };
    use Severity::{Advice, Over};
    assert_eq!(rules("twitch", &at(2560, 1440, "30", 5000, 2.0)), [(Rule::Size, Over)]);
    assert_eq!(
        rules("cloudflare", &at(640, 360, "30", 800, 1.0)),
        [(Rule::LowBitrate, Advice), (Rule::KeyframesClose, Over)]
    );
    assert_eq!(
        rules("mux", &at(1920, 1080, "30", 6000, 4.0)),
        [(Rule::VideoBitrate, Advice), (Rule::KeyframesFar, Advice)]
    );
    assert_eq!(rules("nginx-rtmp", &at(3840, 2160, "60", 60_000, 20.0)), []);
}

#[test]
fn an_address_or_a_key_of_the_wrong_kind_is_named() {
    let rules = |id: &str, address: &str| -> Vec<_> {
        let ingest = Ingest::parse(address, None).unwrap();
        find(id).unwrap().faults(None, &ingest).iter().map(|fault| fault.rule).collect()
    };
    assert_eq!(rules("medialive", "rtmps://192.0.2.1/live/a"), [Rule::TlsRefused]);
    assert_eq!(rules("ivs", "rtmp://h/app/live_x"), [Rule::TlsRequired, Rule::KeyShape]);
    assert_eq!(rules("ivs", "rtmps://h/app/sk_x"), []);
    assert_eq!(rules("custom", "rtmp://h/app/x"), []);
}

#[test]
fn the_tightest_target_decides_and_is_named() {
    let targets = [limits("nginx-rtmp", None), limits("ivs", Some("basic")), limits("twitch", None)];
    let (encoding, changes) = clamp(&at(3840, 2160, "60", 20_000, 10.0), &targets);
    assert_eq!((encoding.width, encoding.height, encoding.fps.as_str()), (1920, 1080, "60"));
    assert_eq!((encoding.video_kbps, encoding.keyframe_s), (3372, 2.0));
    let told: Vec<_> =
        changes.iter().map(|change| (change.rule, change.because, change.from.as_str())).collect();
    assert_eq!(
        told,
        [(Rule::Size, 1, "3840x2160"), (Rule::VideoBitrate, 1, "20000"), (Rule::KeyframesFar, 1, "10")]
    );
    for limits in &targets {
        assert!(limits.check(&encoding).iter().all(|excess| excess.severity == Severity::Advice));
    }
    // Upright pictures stay upright, and what fits is left alone.
    let (upright, _) = clamp(&at(1440, 2560, "30", 3000, 2.0), &targets);
    assert_eq!((upright.width, upright.height), (1080, 1920));
    assert_eq!(clamp(&at(1280, 720, "30", 2500, 2.0), &targets).1, []);
}

#[test]
fn a_playback_address_follows_from_the_ingest_where_that_is_sure() {
    let to = |server: &str| Profile {
        ingests: vec![profile::Ingest { server: server.to_owned(), ..Default::default() }],
        ..Default::default()
    };
    let derive = |id: &str, server: &str| find(id).unwrap().derive(&to(server));
    assert_eq!(
        derive("nginx-rtmp", "rtmp://h:1940/live").as_deref(),
        Some("http://h/hls/{key}.m3u8"),
        "the playlist's port is not the ingest's"
    );
    assert_eq!(
        derive("mediamtx", "rtmp://[::1]/a/b").as_deref(),
        Some("http://[::1]:8888/a/b/{key}/index.m3u8")
    );
    assert_eq!(derive("mux", "rtmps://global-live.mux.com:443/app"), None);
    let rule = &find("mux").unwrap().playback[0];
    assert_eq!(rule.fill("rtmps://x/app", &[]), None);
    assert_eq!(
        rule.fill("rtmps://x/app", &[("playback_id", "abc")]).as_deref(),
        Some("https://stream.mux.com/abc.m3u8")
    );
    assert_eq!(rule.fill("rtmps://x/app", &[("playback_id", "a/../b")]), None);
}
