//! Named values become a connection: the names that tools and services use are known here, once for all forms.

use media::Secret;

use super::found::{Found, Kind, Need, Offer, Skipped, playback};
use super::{Error, MOST, take};
use crate::profile::Role;
use crate::{Draft, IngestDraft};

/// Names and values that belong to one connection.
#[derive(Default)]
pub(super) struct Group {
    /// Its name, where the form has one.
    pub(super) name: Option<String>,
    /// In their order.
    pub(super) fields: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Ingest,
    Backup,
    Key,
    BackupKey,
    /// The lowest is taken, the others are offered.
    Playback(u8),
    /// An ingest or a playlist, as its scheme says.
    Stream,
    Host,
    Channel,
    MediaLiveChannel,
    Dashboard,
    Player,
    Console,
    Name,
    User,
    Password,
}

/// A name in small letters without anything between its words.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn meaning(name: &str) -> Option<Meaning> {
    Some(match plain(name).as_str() {
        "rtmpinputurl" | "medialivertmpurl" | "rtmpserverurl" | "rtmpurl" | "rtmpsurl" | "rtmpingesturl"
        | "rtmpsingesturl" | "ingesturl" | "ingestserver" | "serverurl" | "server" | "rtmpserver"
        | "rtmp" | "rtmps" | "서버url" | "서버" | "스트림url" => Meaning::Ingest,
        "rtmpbackupinputurl"
        | "medialivertmpbackupurl"
        | "medialivebackuprtmpurl"
        | "rtmpbackupurl"
        | "backuprtmpurl"
        | "backupingesturl"
        | "backupserverurl"
        | "backupurl"
        | "backup"
        | "백업서버url" => Meaning::Backup,
        "streamkey" | "rtmpstreamkey" | "ingestkey" | "key" | "스트림키" => Meaning::Key,
        "backupstreamkey" | "backupkey" => Meaning::BackupKey,
        "hlsplaybackurl" | "hlsurl" | "hls" => Meaning::Playback(0),
        "finalplaybackurl" => Meaning::Playback(1),
        "playbackurl" | "playback" | "playlisturl" | "manifesturl" | "watchurl" => Meaning::Playback(2),
        "dashplaybackurl" | "dashurl" => Meaning::Playback(4),
        "streamurl" | "url" => Meaning::Stream,
        "cloudfronturl" | "cloudfrontdomain" | "cloudfrontdomainname" | "distributiondomainname" => {
            Meaning::Host
        }
        "medialivechannelid" => Meaning::MediaLiveChannel,
        "channelid" | "channelarn" => Meaning::Channel,
        "cloudwatchdashboardurl" | "monitoringdashboardurl" | "dashboardurl" => Meaning::Dashboard,
        "testplayerurl" | "playerurl" => Meaning::Player,
        "consoleurl" => Meaning::Console,
        "name" | "title" | "displayname" | "이름" => Meaning::Name,
        "user" | "username" => Meaning::User,
        "password" | "pass" => Meaning::Password,
        _ => return None,
    })
}

/// Whether a name says what its value is.
pub(super) fn is_known(name: &str) -> bool {
    meaning(name).is_some()
}

/// What the last part of a name says, or its last two together: `rtmps.url` is an `rtmpsUrl`.
fn meaning_of_path(path: &str) -> Option<Meaning> {
    let parts: Vec<&str> = path.split('.').filter(|part| part.parse::<usize>().is_err()).collect();
    let (last, rest) = parts.split_last()?;
    let two = rest.last().and_then(|before| meaning(&format!("{before}{last}")));
    two.or_else(|| meaning(last))
}

#[derive(Default)]
struct Collected {
    name: Option<String>,
    ingest: Option<String>,
    backup: Option<String>,
    key: Option<String>,
    backup_key: Option<String>,
    playback: Vec<(u8, String, String)>,
    host: Option<(String, String)>,
    channel: Option<String>,
    medialive: bool,
    user: Option<String>,
    password: Option<String>,
    draft: Draft,
    offers: Vec<(String, String, Kind)>,
    ignored: Vec<String>,
}

/// Makes a connection of a group, if it names an ingest or a playlist.
///
/// # Errors
/// [`Error::TooMany`].
pub(super) fn add(found: &mut Found, group: Group) -> Result<(), Error> {
    let mut collected = Collected { name: group.name, ..Collected::default() };
    for (name, value) in group.fields {
        collected.take(name, value.trim());
    }
    collected.finish(found)
}

impl Collected {
    fn take(&mut self, name: String, value: &str) {
        if value.is_empty() {
            return self.ignored.push(name);
        }
        let Some(meaning) = meaning_of_path(&name) else { return self.unknown(name, value) };
        let meaning = match meaning {
            Meaning::Stream if take::is_ingest(value) => Meaning::Ingest,
            Meaning::Stream if take::is_playlist(value) => Meaning::Playback(3),
            // A list of two, as MediaLive's inputs are.
            Meaning::Ingest if self.ingest.is_some() && name.ends_with(".1") => Meaning::Backup,
            other => other,
        };
        let place = match meaning {
            Meaning::Ingest => &mut self.ingest,
            Meaning::Backup => &mut self.backup,
            Meaning::Key => &mut self.key,
            Meaning::BackupKey => &mut self.backup_key,
            Meaning::User => &mut self.user,
            Meaning::Password => &mut self.password,
            Meaning::Name => &mut self.name,
            Meaning::Channel | Meaning::MediaLiveChannel => {
                self.medialive |= meaning == Meaning::MediaLiveChannel;
                &mut self.channel
            }
            Meaning::Dashboard => &mut self.draft.links.dashboard,
            Meaning::Player => &mut self.draft.links.player,
            Meaning::Console => &mut self.draft.links.console,
            Meaning::Playback(rank) if take::playback(value).is_some() => {
                return self.playback.push((rank, name, value.to_owned()));
            }
            Meaning::Host if self.host.is_none() => {
                self.host = Some((name, value.to_owned()));
                return;
            }
            Meaning::Playback(_) | Meaning::Host | Meaning::Stream => return self.unknown(name, value),
        };
        let page = matches!(meaning, Meaning::Dashboard | Meaning::Player | Meaning::Console);
        if place.is_some() || page && take::page(value).is_none() {
            return self.unknown(name, value);
        }
        *place = Some(value.to_owned());
        self.medialive |= plain(&name).starts_with("medialive");
    }

    /// Offered if it looks like something.
    fn unknown(&mut self, name: String, value: &str) {
        if take::is_ingest(value) && take::ingest(value, None).is_ok() {
            self.offers.push((name, value.to_owned(), Kind::Ingest));
        } else if take::is_playlist(value) {
            self.offers.push((name, value.to_owned(), Kind::Playback));
        } else {
            self.ignored.push(name);
        }
    }

    fn finish(mut self, found: &mut Found) -> Result<(), Error> {
        let at = found.drafts.len();
        self.playback.sort_by_key(|(rank, ..)| *rank);
        let mut playlists = std::mem::take(&mut self.playback).into_iter();
        self.draft.playback = playlists.next().map(|(_, _, url)| playback(Secret::new(url)));
        self.offers.extend(playlists.map(|(_, name, url)| (name, url, Kind::Playback)));
        let path = self.host().map(|host| Need::PlaybackPath { draft: at, host });
        let named = self.ingest.is_some() || self.backup.is_some();
        let something = named || self.draft.playback.is_some() || path.is_some() || !self.offers.is_empty();
        found.ignored.append(&mut self.ignored);
        if !something {
            return Ok(());
        }
        if at + found.skipped.len() >= MOST {
            return Err(Error::TooMany(MOST));
        }
        self.draft.name = self.name.take().unwrap_or_default();
        if let Err(skipped) = self.ingests() {
            found.skipped.push(skipped);
            return Ok(());
        }
        self.draft.channel = self.channel.as_deref().map(take::line);
        if self.medialive {
            self.draft.provider = Some("medialive".to_owned());
            self.draft.variant = (self.draft.ingests.len() == 2).then(|| "standard".to_owned());
        }
        let offer = |(name, value, kind)| Offer { name, value: Secret::new(value), kind, draft: at };
        found.offers.extend(self.offers.into_iter().map(offer));
        found.needs.extend(path);
        found.drafts.push(self.draft);
        Ok(())
    }

    /// The host that a person must add a path to. One with a path is a playback address.
    fn host(&mut self) -> Option<String> {
        let (name, value) = self.host.take()?;
        let whole = if value.contains("://") { value } else { format!("https://{value}") };
        if take::is_playlist(&whole) {
            match self.draft.playback {
                None => self.draft.playback = take::playback(&whole).map(playback),
                Some(_) => self.offers.push((name, whole, Kind::Playback)),
            }
            return None;
        }
        let url = url::Url::parse(&whole).ok().filter(|_| take::playback(&whole).is_some());
        let host = url.and_then(|url| {
            let host = url.host_str()?.to_owned();
            Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
        });
        if host.is_none() || self.draft.playback.is_some() {
            self.ignored.push(name);
            return None;
        }
        host
    }

    fn ingests(&mut self) -> Result<(), Skipped> {
        let both = [(Role::Primary, &self.ingest, &self.key), (Role::Backup, &self.backup, &self.backup_key)];
        let mut ingests = Vec::new();
        for (role, address, key) in both {
            let Some(address) = address else { continue };
            // A backup without a key of its own takes the primary's, if it takes any.
            let ends = || crate::address::read(address, None, None).is_ok_and(|read| read.key.is_some());
            let shared = self.key.as_ref().filter(|_| role == Role::Backup && !ends());
            let key = key.as_ref().or(shared);
            let ingest = take::ingest(address, key.map(String::as_str));
            let ingest = ingest.map_err(|reason| {
                super::grove::skipped(self.name.clone().unwrap_or_default(), address, reason)
            })?;
            let user = self.user.as_deref().filter(|_| self.password.is_some());
            let password = self.password.as_deref().filter(|_| self.user.is_some());
            ingests.push(IngestDraft {
                role: if ingests.is_empty() { Role::Primary } else { role },
                user: user.map(take::line),
                password: password.map(Secret::new),
                ..ingest
            });
        }
        self.draft.ingests = ingests;
        Ok(())
    }
}
