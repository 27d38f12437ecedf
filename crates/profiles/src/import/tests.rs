use super::*;
use crate::Draft;
use crate::profile::Role;

fn found(text: &str) -> Found {
    understand(text, None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn code(text: &str) -> &'static str {
    understand(text, None).map(|found| panic!("{text}: {found:?}")).unwrap_or_else(|error| error.code())
}

/// Role, server, key of each ingest, as they would be saved.
fn ingests(draft: &Draft) -> Vec<(Role, String, String)> {
    let read = draft.read(None).unwrap();
    let one = |ingest: &crate::profile::Ingest| {
        let key = read.secrets.ingest(&ingest.id).key.unwrap_or_default();
        (ingest.role, ingest.server.clone(), key.expose().to_owned())
    };
    read.profile.ingests.iter().map(one).collect()
}

fn first(draft: &Draft) -> (String, String) {
    let (_, server, key) = ingests(draft).remove(0);
    (server, key)
}

fn pair(server: &str, key: &str) -> (String, String) {
    (server.to_owned(), key.to_owned())
}

fn playback(draft: &Draft) -> Option<&str> {
    draft.playback.as_ref().map(|playback| playback.url.expose())
}

#[test]
fn a_grove_link_holds_connections_and_settings() {
    let found = found(
        "larix://set/v1?conn[][url]=rtmp%3A%2F%2Fa.example%2Flive%2Fhush-1&conn[][name]=Main+stage&conn[][mode]=va\
         &conn[][overwrite]=on&conn[][user]=username&conn[][pass]=password\
         &conn%5B%5D%5Burl%5D=rtmps%3A%2F%2Fb.example%2Fapp%2Fhush%252F2&conn[][name]=Side&conn[][rewrite]=1\
         &conn[][user]=me&conn[][pass]=pa%20ss&conn[][target]=lime&conn[][mode]=av&conn[][colour]=red\
         &conn[][url]=srt%3A%2F%2Fc.example%3A9000&conn[][name]=Far&conn[][srtlatency]=200\
         &enc[vid][res]=1280x720&enc[vid][fps]=30&enc[vid][bitrate]=2500&enc[vid][keyframe]=2&enc[vid][format]=avc\
         &enc[aud][bitrate]=128&enc[vid][camera]=0&new=x",
    );
    assert_eq!(found.source, Source::Grove);
    assert_eq!(found.drafts.len(), 2);
    assert_eq!(found.drafts[0].name, "Main stage");
    assert_eq!(first(&found.drafts[0]), pair("rtmp://a.example/live", "hush-1"));
    assert_eq!(found.drafts[0].ingests[0].user, None);
    // Decoded once: what is encoded within stays.
    assert_eq!(first(&found.drafts[1]), pair("rtmps://b.example/app", "hush%2F2"));
    let second = &found.drafts[1].ingests[0];
    let password = second.password.as_ref().map(Secret::expose);
    assert_eq!((second.user.as_deref(), password), (Some("me"), Some("pa ss")));
    assert_eq!(found.overwrites, [0, 1]);
    let srt = Skipped { name: "Far".to_owned(), reason: Reason::Protocol("srt".to_owned()) };
    assert_eq!(found.skipped, [srt]);
    assert_eq!(found.ignored, ["conn[][colour]", "conn[][srtlatency]", "enc[vid][camera]", "new"]);
    let wanted = found.encoding.clone().unwrap();
    assert_eq!((wanted.size, wanted.fps.as_deref()), (Some((1280, 720)), Some("30")));
    assert_eq!((wanted.video_kbps, wanted.audio_kbps, wanted.keyframe_s), (Some(2500), Some(128), Some(2.0)));
    assert!(!format!("{found:?}").contains("hush") && !format!("{found:?}").contains("pa ss"));
}

#[test]
fn settings_of_a_link_are_only_taken_when_somebody_says_so() {
    let mut found =
        found("larix://set/v1?conn[][url]=rtmp://h/live/k&enc[vid][bitrate]=3000&enc[vid][res]=9x9");
    assert_eq!(found.drafts[0].encoding, None);
    let base = crate::catalogue::custom().presets(None).remove(0);
    found.take_encoding(&base);
    let taken = found.drafts[0].encoding.clone().unwrap();
    assert_eq!((taken.video_kbps, taken.width), (3000, base.width));
}

#[test]
fn a_moblin_link_is_read_in_clear_and_encoded() {
    let json = r#"{"streams":[{"name":"Walk","url":"rtmp://h/live/hush","video":{"resolution":"1920x1080","fps":30,
        "bitrate":5000000,"codec":"H.264/AVC","maxKeyFrameInterval":2},"audio":{"bitrate":128000}},
        {"name":"Far","url":"srt://h:1"}],"remoteControl":{}}"#;
    let json: String = json.split('\n').map(str::trim).collect();
    let encoded =
        percent_encoding::utf8_percent_encode(&json, percent_encoding::NON_ALPHANUMERIC).to_string();
    for text in [format!("moblin://?{json}"), format!("moblin://?{encoded}"), json.clone()] {
        let found = found(&text);
        assert_eq!(found.source, Source::Moblin);
        assert_eq!((found.drafts.len(), found.skipped.len()), (1, 1));
        assert_eq!(first(&found.drafts[0]), pair("rtmp://h/live", "hush"));
        assert_eq!(found.encoding.as_ref().unwrap().video_kbps, Some(5000));
        assert_eq!(found.ignored, ["remoteControl", "streams.video.codec"]);
    }
}

#[test]
fn an_obs_profile_is_read_from_its_folder() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("Sunday");
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(read_path(&folder, None).unwrap_err().code(), "import-folder");
    let service = r#"{"type":"rtmp_custom","settings":{"server":"rtmps://h/app/inner","key":"hush","use_auth":true,
        "username":"me","password":"tell","bearer_token":"x"}}"#;
    std::fs::write(folder.join("service.json"), service).unwrap();
    let basic = "\u{feff}[General]\nName=Sunday service\n\n[Output]\nMode=Simple\n[SimpleOutput]\nVBitrate=6000\n\
                 ABitrate=160\n[Video]\nOutputCX=1280\nOutputCY=720\nFPSType=0\nFPSCommon=24 NTSC\n";
    std::fs::write(folder.join("basic.ini"), basic).unwrap();
    for path in [folder.clone(), folder.join("service.json"), folder.join("basic.ini")] {
        let found = read_path(&path, None).unwrap();
        assert_eq!((found.source, found.drafts[0].name.as_str()), (Source::Obs, "Sunday service"));
        assert_eq!(first(&found.drafts[0]), pair("rtmps://h/app/inner", "hush"));
        assert_eq!(found.drafts[0].ingests[0].password.as_ref().unwrap().expose(), "tell");
        let wanted = found.encoding.clone().unwrap();
        assert_eq!((wanted.video_kbps, wanted.fps.as_deref()), (Some(6000), Some("23.976")));
        assert_eq!(found.ignored, ["bearer_token"]);
    }
    let twitch =
        r#"{"type":"rtmp_common","settings":{"service":"Twitch","server":"auto","key":"live_1_hush"}}"#;
    assert_eq!(first(&found(twitch).drafts[0]), pair("rtmps://live.twitch.tv/app", "live_1_hush"));
    let whip = r#"{"type":"whip_custom","settings":{"server":"https://h/whip","bearer_token":"x"}}"#;
    assert_eq!(found(whip).skipped[0].reason, Reason::Protocol("whip".to_owned()));
}

#[test]
fn tools_outputs_are_known_by_their_names_in_any_spelling() {
    let terraform = r#"{"medialive_rtmp_url":{"sensitive":true,"type":"string","value":"rtmp://198.51.100.99:1935/live/hush1"},
        "rtmp-backup-input-url":{"sensitive":true,"type":"string","value":"rtmp://192.0.2.18:1935/live/hush2"},
        "final_playback_url":{"sensitive":false,"type":"string","value":"https://d1.cloudfront.net/out/index.m3u8"},
        "MediaLiveChannelId":{"sensitive":false,"type":"string","value":"1234567"},
        "monitoring_dashboard_url":{"sensitive":false,"type":"string","value":"https://console.aws.amazon.com/cloudwatch/x"},
        "TestPlayerURL":{"sensitive":false,"type":"string","value":"https://hls-js.example/?src=x"},
        "preview_hls":{"sensitive":false,"type":"string","value":"https://h/preview.m3u8"},
        "other_push":{"sensitive":true,"type":"string","value":"rtmp://h/live/hush3"},
        "bucket":{"sensitive":false,"type":"string","value":"my-bucket"}}"#;
    let mut found = found(terraform);
    assert_eq!(found.source, Source::Terraform);
    let draft = &found.drafts[0];
    assert_eq!(
        ingests(draft),
        [
            (Role::Primary, "rtmp://198.51.100.99/live".to_owned(), "hush1".to_owned()),
            (Role::Backup, "rtmp://192.0.2.18/live".to_owned(), "hush2".to_owned())
        ]
    );
    assert_eq!((draft.provider.as_deref(), draft.variant.as_deref()), (Some("medialive"), Some("standard")));
    assert_eq!((draft.name.as_str(), draft.channel.as_deref()), ("AWS MediaLive", Some("1234567")));
    assert_eq!(playback(draft), Some("https://d1.cloudfront.net/out/index.m3u8"));
    assert_eq!(draft.playback.as_ref().unwrap().derived, crate::profile::Derived::Imported);
    assert!(draft.links.dashboard.is_some() && draft.links.player.is_some());
    assert_eq!(found.ignored, ["bucket"]);
    let mut offers: Vec<_> = found.offers.iter().map(|offer| (offer.name.as_str(), offer.kind)).collect();
    offers.sort_by_key(|(name, _)| *name);
    assert_eq!(offers, [("other_push", Kind::Ingest), ("preview_hls", Kind::Playback)]);
    assert!(!format!("{found:?}").contains("hush"));
    let push = found.offers.iter().position(|offer| offer.kind == Kind::Ingest).unwrap();
    found.accept(push).unwrap();
    assert_eq!(ingests(&found.drafts[0])[2], (Role::Also, "rtmp://h/live".to_owned(), "hush3".to_owned()));
    assert_eq!((found.offers.len(), found.accept(7).unwrap_err().code()), (1, "import-choice"));
}

#[test]
fn every_name_of_the_issue_is_known() {
    let spellings = |name: &str| {
        let snake: String = name
            .chars()
            .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
            .collect();
        [name.to_owned(), name.to_lowercase(), name.to_uppercase(), snake.replace('_', "-"), snake]
    };
    let ingest = ["RTMPInputURL", "RTMPBackupInputURL", "medialive_rtmp_url", "RTMPServerURL", "rtmpUrl"];
    for name in ingest.into_iter().flat_map(spellings) {
        let found = found(&format!(r#"{{"{name}":"rtmp://h/live/hush"}}"#));
        assert_eq!((found.drafts[0].ingests.len(), found.offers.len()), (1, 0), "{name}");
    }
    let playlist = ["HLSPlaybackURL", "DASHPlaybackURL", "final_playback_url", "streamUrl"];
    for name in playlist.into_iter().flat_map(spellings) {
        let found = found(&format!(r#"{{"{name}":"https://h/index.m3u8"}}"#));
        assert_eq!(
            (playback(&found.drafts[0]), found.offers.len()),
            (Some("https://h/index.m3u8"), 0),
            "{name}"
        );
    }
    let others =
        ["MediaLiveChannelId", "CloudWatchDashboardURL", "monitoring_dashboard_url", "TestPlayerURL"];
    for name in others.into_iter().flat_map(spellings) {
        let found = found(&format!(r#"{{"RTMPInputURL":"rtmp://h/live/hush","{name}":"https://h/x"}}"#));
        let draft = &found.drafts[0];
        assert!(found.ignored.is_empty(), "{name}");
        assert!(draft.channel.is_some() || draft.links != crate::profile::Links::default(), "{name}");
    }
}

#[test]
fn stacks_of_the_cdk_and_of_cloudformation_are_read() {
    let cdk = r#"{"LiveStack":{"RTMPInputURL":"rtmp://198.51.100.99:1935/live/hush","CloudFrontURL":"https://d1.cloudfront.net",
        "MediaLiveChannelId":"77"},"Other":{"Bucket":"b"}}"#;
    let mut cdk = found(cdk);
    assert_eq!((cdk.source, cdk.drafts.len(), cdk.drafts[0].name.as_str()), (Source::Cdk, 1, "LiveStack"));
    let need = Need::PlaybackPath { draft: 0, host: "d1.cloudfront.net".to_owned() };
    assert_eq!(cdk.needs, [need]);
    assert_eq!(cdk.answer(0, &Secret::new("a b")).unwrap_err().code(), "import-answer");
    cdk.answer(0, &Secret::new("/out/v1/index.m3u8")).unwrap();
    assert_eq!(playback(&cdk.drafts[0]), Some("https://d1.cloudfront.net/out/v1/index.m3u8"));
    assert!(cdk.needs.is_empty());
    let stacks = r#"{"Stacks":[{"StackName":"one","Outputs":[{"OutputKey":"RTMPInputURL","OutputValue":"rtmp://h/live/a"},
        {"OutputKey":"HLSPlaybackURL","OutputValue":"https://h/i.m3u8","Description":"x"}]},
        {"StackName":"two","Outputs":[{"OutputKey":"RTMPServerURL","OutputValue":"rtmp://h/live/b"}]}]}"#;
    let stacks = found(stacks);
    let names: Vec<_> = stacks.drafts.iter().map(|draft| draft.name.as_str()).collect();
    assert_eq!((stacks.source, names), (Source::CloudFormation, vec!["one", "two"]));
    let outputs = r#"[{"OutputKey":"RTMPInputURL","OutputValue":"rtmp://h/live/a"}]"#;
    assert_eq!(found(outputs).source, Source::CloudFormation);
}

#[test]
fn answers_of_services_are_read() {
    let mux = r#"{"data":{"stream_key":"hush-key","status":"idle","id":"abc","passthrough":"Evening",
        "playback_ids":[{"policy":"signed","id":"s1"},{"policy":"public","id":"p1"}],"latency_mode":"low"}}"#;
    let one = found(mux);
    assert_eq!((one.source, one.drafts[0].name.as_str()), (Source::Mux, "Evening"));
    assert_eq!(first(&one.drafts[0]), pair("rtmps://global-live.mux.com/app", "hush-key"));
    assert_eq!(playback(&one.drafts[0]), Some("https://stream.mux.com/p1.m3u8"));
    assert_eq!((one.ignored, one.needs), (vec!["latency_mode".to_owned(), "status".to_owned()], vec![]));
    let signed = r#"{"data":[{"stream_key":"hush","playback_ids":[{"policy":"signed","id":"s1"}]}]}"#;
    let mut signed = found(signed);
    assert_eq!(signed.needs, [Need::PlaybackToken { draft: 0 }]);
    signed.answer(0, &Secret::new("eyJ")).unwrap();
    assert_eq!(playback(&signed.drafts[0]), Some("https://stream.mux.com/s1.m3u8?token=eyJ"));
    let ivs = r#"{"channel":{"arn":"arn:aws:ivs:us-west-2:1:channel/a","name":"Hall","latencyMode":"LOW","type":"BASIC",
        "ingestEndpoint":"a1b2.global-contribute.live-video.net",
        "playbackUrl":"https://a1b2.us-west-2.playback.live-video.net/api/video/v1/us-west-2.1.channel.a.m3u8"},
        "streamKey":{"arn":"arn:aws:ivs:x","value":"sk_us-west-2_hush"}}"#;
    let ivs = found(ivs);
    let draft = &ivs.drafts[0];
    assert_eq!(
        (ivs.source, draft.provider.as_deref(), draft.variant.as_deref()),
        (Source::Ivs, Some("ivs"), Some("basic"))
    );
    assert_eq!(first(draft), pair("rtmps://a1b2.global-contribute.live-video.net/app", "sk_us-west-2_hush"));
    assert!(!format!("{ivs:?}").contains("hush"));
    let evil = r#"{"channel":{"ingestEndpoint":"evil/app/x@y"},"streamKey":{"value":"hush"}}"#;
    assert_eq!(found(evil).skipped[0].reason.code(), "url-host");
}

#[test]
fn a_backend_s_answer_is_read() {
    let flat = r#"{"streamKey":"hush","rtmpUrl":"rtmp://h/live","streamUrl":"https://h/hls/x.m3u8","id":3}"#;
    let nested = format!(r#"{{"data":{flat}}}"#);
    let repeated = flat.replace("rtmp://h/live", "rtmp://h/live/hush");
    for text in [flat, &nested, &repeated] {
        let found = found(text);
        assert_eq!(found.source, Source::Json);
        assert_eq!(first(&found.drafts[0]), pair("rtmp://h/live", "hush"), "{text}");
        assert_eq!(playback(&found.drafts[0]), Some("https://h/hls/x.m3u8"));
        assert_eq!(found.ignored, ["id"]);
    }
    let cloudflare = r#"{"result":{"uid":"u","rtmps":{"url":"rtmps://live.cloudflare.com:443/live/","streamKey":"hush"},
        "srt":{"url":"srt://live.cloudflare.com:778","streamId":"x"}},"success":true}"#;
    assert_eq!(first(&found(cloudflare).drafts[0]), pair("rtmps://live.cloudflare.com/live", "hush"));
    let list = format!("[{flat},{flat}]");
    let names: Vec<_> = found(&list).drafts.iter().map(|draft| draft.name.clone()).collect();
    assert_eq!(names, ["h", "h 2"]);
}

#[test]
fn an_ffmpeg_command_is_read() {
    let found = found(
        "$ TOKEN=x /usr/bin/ffmpeg -re -i rtmp://in.example/live/in \\\n -c:v libx264 -b:v 3000k -b:a 128k -r 30 -g 60 \
         -s 1280x720 -preset veryfast -f flv 'rtmp://h/live/hush?x=1' -f tee \
         \"[f=flv]rtmp://a/live/k1|[f=flv]rtmps://b/live/k2\" -f mpegts srt://h:9 -f flv out.flv && rm x",
    );
    let all: Vec<_> = found.drafts.iter().map(first).collect();
    let want = [pair("rtmp://h/live", "hush?x=1"), pair("rtmp://a/live", "k1"), pair("rtmps://b/live", "k2")];
    assert_eq!(all, want);
    assert_eq!((found.skipped.len(), found.ignored), (1, vec!["preset".to_owned()]));
    let wanted = found.encoding.unwrap();
    assert_eq!(
        (wanted.size, wanted.video_kbps, wanted.keyframe_s),
        (Some((1280, 720)), Some(3000), Some(2.0))
    );
    let place = understand("ffmpeg -i x -f flv rtmp://h/live/$KEY", None).unwrap();
    assert_eq!(place.needs, [Need::Key { draft: 0, ingest: 0 }]);
    assert_eq!(code("ffmpeg -i x -f flv 'rtmp://h/live/hush"), "import-malformed");
    assert_eq!(code("ffmpeg -i x out.mp4"), "import-nothing");
}

#[test]
fn pasted_addresses_and_lines_are_read() {
    assert_eq!(first(&found(" rtmp://h/live/hush\n").drafts[0]), pair("rtmp://h/live", "hush"));
    assert_eq!(playback(&found("https://h/i.m3u8?t=1").drafts[0]), Some("https://h/i.m3u8?t=1"));
    for text in [
        "rtmps://a.example/app/\nhush",
        "Server: rtmps://a.example/app/\nStream key: hush",
        "Ingest server\nrtmps://a.example/app/\nStream key\nhush",
        "export RTMP_URL=\"rtmps://a.example/app\"\n# mine\nSTREAM_KEY='hush'\n",
        "서버 URL\trtmps://a.example/app\n스트림 키: hush",
        "rtmps://a.example/app/\r\nhush\r\n",
    ] {
        assert_eq!(first(&found(text).drafts[0]), pair("rtmps://a.example/app", "hush"), "{text}");
    }
    let youtube = "Stream URL\nrtmps://a.rtmps.youtube.com:443/live2\nBackup server URL\n\
                   rtmps://b.rtmps.youtube.com:443/live2?backup=1\nStream key\nhush-hush";
    let youtube = found(youtube);
    let both = ingests(&youtube.drafts[0]);
    assert_eq!((both.len(), both[1].0, both[1].2.as_str()), (2, Role::Backup, "hush-hush"));
    assert_eq!(found("rtmp://h/live/<stream-key>").needs, [Need::Key { draft: 0, ingest: 0 }]);
    assert_eq!(code("hello there"), "import-unknown");
    assert_eq!(code("sk_us-west-2_hush"), "import-unknown");
}

#[test]
fn hostile_input_gets_a_clear_no() {
    assert_eq!(code(""), "import-empty");
    assert_eq!(code(&"x".repeat(LONGEST + 1)), "import-too-long");
    let long = format!("larix://set/v1?conn[][url]={}", "a".repeat(10 << 20));
    assert_eq!(code(&long), "import-too-long");
    assert_eq!(code("rtmp://h/live/\u{1b}[31mhush"), "import-character");
    assert_eq!(code("rtmp://h/live/hu\u{202e}sh"), "import-character");
    assert_eq!(code("larix://set/v1?conn[][url]=rtmp://h/live/k%0Ax%00"), "import-character");
    assert_eq!(code(r#"{"rtmpUrl":"rtmp://h/live/k\u0007"}"#), "import-character");
    for link in ["javascript://x", "file:///etc/passwd", "srt://h:9000", "ftp://h/x", "obs://x"] {
        assert_eq!(code(link), "import-scheme", "{link}");
    }
    assert_eq!(code("http://"), "profile-playback");
    assert_eq!(code("rtmp://h"), "url-no-app");
    assert_eq!(code("larix://set/v2?conn[][url]=x"), "import-malformed");
    assert_eq!(code("larix://set/v1?conn[][url]=%FF"), "import-malformed");
    assert_eq!(code("larix://set/v1?enc[vid][res]=1x1"), "import-nothing");
    assert_eq!(code("tamarack://import?bundle=!!"), "import-malformed");
    assert_eq!(code("moblin://?{"), "import-malformed");
    assert_eq!(code(&"[".repeat(100_000)), "import-malformed");
    assert_eq!(code(r#"{"tamarack":2}"#), "import-newer");
    assert_eq!(code(r#"{"tamarack":1,"sealed":{}}"#), "import-sealed");
    let many = |count: usize| format!("larix://set/v1?{}", "conn[][url]=rtmp://h/a/k&".repeat(count));
    assert_eq!(code(&many(10_000)), "import-too-many");
    assert_eq!(found(&many(MOST)).drafts.len(), MOST);
    let list = format!("[{}]", vec![r#"{"rtmpUrl":"rtmp://h/a/k"}"#; 10_000].join(","));
    assert_eq!(code(&list), "import-too-many");
    // Names with those around them, and lines one by one, do not outgrow the text.
    let deep = format!(r#"{{"{}":[{}1]}}"#, "k".repeat(400_000), "1,".repeat(200_000));
    assert_eq!(code(&deep), "import-nothing");
    assert_eq!(code(&"http://a\n".repeat(100_000)), "import-unknown");
    let nested = found("larix://set/v1?conn[][url]=rtmp%253A%252F%252Fh%252Flive%252Fhush");
    assert_eq!((nested.drafts.len(), nested.skipped[0].reason.code()), (0, "url-malformed"));
    // A place for the key is nobody else's to fill.
    let template = r#"{"rtmpUrl":"rtmp://h/live/hush","hlsUrl":"https://evil.example/{key}.m3u8"}"#;
    assert_eq!(playback(&found(template).drafts[0]), None);
    let script = found("larix://set/v1?conn[][url]=javascript:alert(1)&conn[][name]=x");
    assert_eq!(script.skipped[0].reason.code(), "url-malformed");
}

#[test]
fn a_name_that_is_the_key_is_not_shown() {
    let found = found("larix://set/v1?conn[][url]=rtmp://h.example/live/hush-hush&conn[][name]=hush-hush");
    assert_eq!(found.drafts[0].name, "h.example");
    let skipped = understand("larix://set/v1?conn[][url]=srt://h/hush-hush&conn[][name]=hush-hush", None);
    assert!(!format!("{skipped:?}").contains("hush"));
}

#[test]
fn files_are_read_and_held_to_their_size() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x");
    let code_of = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read_path(&path, None).map(|_| "").unwrap_or_else(|error| error.code())
    };
    assert_eq!(code_of(b"rtmp://h/live/hush"), "");
    assert_eq!(code_of(&crate::qr::png("rtmp://h/live/hush").unwrap()), "");
    assert_eq!(code_of(&crate::qr::png("hello there").unwrap()), "import-unknown");
    assert_eq!(code_of(b"\xFF\xD8\xFFnonsense"), "qr-picture");
    assert_eq!(code_of(b"\xFE\x00"), "import-not-text");
    assert_eq!(code_of(&vec![b'x'; LONGEST + 1]), "import-too-long");
    assert_eq!(code_of(&vec![b'x'; crate::qr::LARGEST_FILE + 1]), "import-too-long");
    let error = read_path(&home.path().join("no"), None).unwrap_err();
    assert_eq!(error.code(), "import-not-read");
}

#[test]
fn every_code_is_listed_and_has_words() {
    let path = || std::path::PathBuf::from("x");
    let errors = [
        Error::Empty,
        Error::TooLong(1),
        Error::Character,
        Error::Unknown,
        Error::Malformed(Source::Json),
        Error::Nothing(Source::Json),
        Error::Scheme(String::new()),
        Error::TooMany(1),
        Error::Newer(2),
        Error::Sealed,
        Error::NotRead { path: path(), source: std::io::Error::other("x") },
        Error::NotText(path()),
        Error::Folder(path()),
        Error::Choice,
        Error::Answer,
    ];
    assert_eq!(errors.map(|error| error.code()), CODES);
    for code in crate::CODES.iter().chain(&CODES).chain(&crate::qr::Error::CODES).chain(&["import-protocol"])
    {
        assert!(words::has(&format!("cause.{code}")), "no words for {code}");
    }
    for need in ["playback-path", "playback-token", "key"] {
        assert!(words::has(&format!("need.{need}")), "no words for {need}");
    }
}
