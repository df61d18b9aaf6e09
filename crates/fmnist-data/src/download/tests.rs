//! Every way in which a mirror, a directory or another process can spoil a download.

mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::fixture::{self, gzip};
use crate::manifest::Manifest;
use server::{Behaviour, Server};

const IMAGES: &str = "train-images-idx3-ubyte.gz";
const LABELS: &str = "train-labels-idx1-ubyte.gz";

/// An empty target directory and the tiny set that belongs there.
struct Target {
    dir: tempfile::TempDir,
    raw: [Vec<u8>; 4],
    manifest: Manifest,
}

impl Target {
    fn new() -> Self {
        let raw = fixture::raw_files(0);
        let manifest = fixture::manifest(&raw, &fixture::raw_files(5));
        Self { dir: tempfile::tempdir().unwrap(), raw, manifest }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn mirror(&self, behaviour: Behaviour) -> Server {
        Server::start(&self.raw, behaviour)
    }

    fn fetch(&self, sources: &[Source]) -> Result<Vec<Fetched>, Error> {
        self.fetch_with(sources, &mut |_| {})
    }

    fn fetch_with(
        &self,
        sources: &[Source],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<Fetched>, Error> {
        let result = self.fetch_within(Timeouts::default(), sources, progress);
        self.assert_nothing_wrong_has_a_name();
        result
    }

    fn fetch_within(
        &self,
        timeouts: Timeouts,
        sources: &[Source],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Vec<Fetched>, Error> {
        // A proxy of the machine that runs the tests has no business on the loopback interface.
        let agent = config(timeouts).proxy(None).build().new_agent();
        Fetch { dir: self.dir.path(), sources, agent, progress }.all(&self.manifest.files)
    }

    /// The invariant: a published name is absent or holds the published bytes; no litter.
    #[track_caller]
    fn assert_nothing_wrong_has_a_name(&self) {
        for (name, contents) in self.files() {
            let digests = self.manifest.files.iter().flat_map(|spec| {
                [(spec.name, spec.gzip.clone()), (spec.raw_name(), spec.raw.clone())]
            });
            match digests.into_iter().find(|(known, _)| *known == name) {
                Some((_, digest)) => assert_eq!(fixture::digest(&contents), digest, "{name}"),
                None => assert_eq!(name, LOCK),
            }
        }
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.dir.path()).unwrap().map(Result::unwrap);
        entries
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect()
    }

    #[track_caller]
    fn assert_complete(&self) {
        for spec in &self.manifest.files {
            assert!(is_good(&self.path(spec.name), spec).unwrap(), "{}", spec.name);
            assert!(is_good(&self.path(spec.raw_name()), spec).unwrap(), "{}", spec.raw_name());
        }
    }
}

/// A first mirror that behaves this way is named with its reason, and the second one serves.
#[track_caller]
fn check_fallback(behaviour: Behaviour, reason: &str) {
    let target = Target::new();
    let (bad, good) = (target.mirror(behaviour), target.mirror(Behaviour::Good));
    let mut reasons = Vec::new();
    let fetched = target
        .fetch_with(&[bad.source(), good.source()], &mut |progress| {
            if let Progress::GaveUp { file, attempt } = progress {
                assert!(attempt.source.ends_with(file));
                reasons.push(attempt.reason.clone());
            }
        })
        .unwrap();
    assert_eq!(fetched[0].file, IMAGES);
    assert!(fetched.iter().all(|f| f.outcome == Outcome::Downloaded(good.source())));
    assert_eq!(reasons.len(), 4);
    assert!(reasons.iter().all(|found| found.contains(reason)), "{reasons:?}");
    target.assert_complete();
}

#[test]
fn a_good_mirror_is_enough() {
    for behaviour in [Behaviour::Good, Behaviour::GoodUntilClose] {
        let target = Target::new();
        let (first, second) = (target.mirror(behaviour), target.mirror(Behaviour::Good));
        let mut last = 0;
        target
            .fetch_with(&[first.source(), second.source()], &mut |progress| {
                let Progress::Receiving { received, total, .. } = progress else { panic!() };
                assert!(received <= total);
                last = received;
            })
            .unwrap();
        assert_eq!(last, target.manifest.files[3].gzip.bytes);
        assert_eq!((first.requests(), second.requests()), (4, 0));
        target.assert_complete();
    }
}

#[test]
fn a_bad_mirror_is_passed_over() {
    check_fallback(Behaviour::Status(403), "HTTP status 403");
    check_fallback(Behaviour::Status(503), "HTTP status 503");
    check_fallback(Behaviour::Html, "expected a gzip stream, found an HTML page");
    check_fallback(Behaviour::WrongBytes, "SHA-256 expected ");
    check_fallback(Behaviour::Short(20), "cut short at 20 of ");
    check_fallback(Behaviour::Short(0), "found an empty file");
    check_fallback(Behaviour::Endless, "longer than the ");
    check_fallback(Behaviour::RedirectLoop, "too many redirects");
    check_fallback(Behaviour::Reset, "io: ");
}

/// A mirror that keeps us waiting is given up after the time it is allowed.
#[track_caller]
fn check_slow(behaviour: Behaviour, read: u64, total: u64, reason: &str) {
    let target = Target::new();
    let server = target.mirror(behaviour);
    let [connect, read, total] = [10_000, read, total].map(Duration::from_millis);
    let timeouts = Timeouts { connect, read, total };
    let error = target.fetch_within(timeouts, &[server.source()], &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains(reason), "{error}");
    target.assert_nothing_wrong_has_a_name();
}

#[test]
fn a_slow_mirror_is_given_up() {
    check_slow(Behaviour::SlowHeader, 10_000, 300, "timeout: global");
    check_slow(Behaviour::SlowBody, 10_000, 300, "timeout: global");
    check_slow(Behaviour::Stall, 300, 10_000, "timeout: per read");
}

#[test]
fn a_mirror_may_break_off_anywhere() {
    let shortest = Target::new().manifest.files.map(|spec| spec.gzip.bytes).into_iter().min();
    for at in (0..usize::try_from(shortest.unwrap()).unwrap()).step_by(7) {
        check_fallback(Behaviour::Cut(at), &format!("broke off at {at} of "));
    }
}

#[test]
fn a_server_that_is_not_there_is_passed_over() {
    let target = Target::new();
    // Bound and dropped at once: nobody listens on that port.
    let gone = target.mirror(Behaviour::Good).source();
    let good = target.mirror(Behaviour::Good);
    target.fetch(&[gone, good.source()]).unwrap();
    target.assert_complete();
}

#[test]
fn when_all_fail_every_source_is_listed_with_its_reason() {
    let target = Target::new();
    fs::write(target.path(LABELS), gzip(&target.raw[1])).unwrap();
    let behaviours = [Behaviour::Status(403), Behaviour::Html, Behaviour::WrongBytes];
    let servers = behaviours.map(|behaviour| target.mirror(behaviour));
    let error = target.fetch(&servers.each_ref().map(Server::source)).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(&format!("{IMAGES}: no source gave a good copy")), "{message}");
    for (server, reason) in servers.iter().zip(["HTTP status 403", "HTML page", "SHA-256 expected"])
    {
        assert!(message.contains(&format!("{}/{IMAGES}: ", server.source())), "{message}");
        assert!(message.contains(reason), "{message}");
    }
    let wrong = fixture::digest(&target.raw[0]).sha256;
    assert!(!message.contains(&wrong) && message.contains(&target.manifest.files[0].gzip.sha256));
    assert_eq!(target.files().len(), 2, "the good labels and the lock");
}

#[test]
fn good_files_stay_and_bad_ones_are_healed() {
    let target = Target::new();
    fs::write(target.path(IMAGES), b"damaged").unwrap();
    fs::write(target.path(LABELS), gzip(&target.raw[1])).unwrap();
    let before = fs::metadata(target.path(LABELS)).unwrap().modified().unwrap();
    let server = target.mirror(Behaviour::Good);
    let source = server.source();
    let outcomes: Vec<Outcome> = target
        .fetch(std::slice::from_ref(&source))
        .unwrap()
        .into_iter()
        .map(|f| f.outcome)
        .collect();
    let downloaded = Outcome::Downloaded(source.clone());
    assert_eq!(
        outcomes,
        [Outcome::Healed(source.clone()), Outcome::AlreadyGood, downloaded.clone(), downloaded]
    );
    assert_eq!(fs::metadata(target.path(LABELS)).unwrap().modified().unwrap(), before);
    assert_eq!(server.requests(), 3);

    // Again: everything is there, and nothing is asked for.
    let again = target.fetch(&[source]).unwrap();
    assert!(again.iter().all(|fetched| fetched.outcome == Outcome::AlreadyGood));
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_bad_file_is_kept_until_there_is_a_better_one() {
    let target = Target::new();
    fs::write(target.path(IMAGES), b"damaged").unwrap();
    let server = target.mirror(Behaviour::WrongBytes);
    let result = target.fetch_within(Timeouts::default(), &[server.source()], &mut |_| {});
    assert!(matches!(result, Err(Error::Download { .. })));
    assert_eq!(target.files()[IMAGES], b"damaged");
}

#[test]
fn unzipped_files_count_as_present() {
    let target = Target::new();
    for (spec, raw) in target.manifest.files.iter().zip(&target.raw) {
        fs::write(target.path(spec.raw_name()), raw).unwrap();
    }
    let fetched = target.fetch_within(Timeouts::default(), &[], &mut |_| {}).unwrap();
    assert!(fetched.iter().all(|fetched| fetched.outcome == Outcome::AlreadyGood));
    assert!(!target.path(LOCK).exists(), "a complete directory is not written to");
}

/// The zipped file is enough to bring its unzipped one back: no source is asked.
#[test]
fn damaged_unzipped_files_are_healed_from_the_zipped_ones() {
    let target = Target::new();
    fixture::write(target.dir.path(), &target.raw);
    let fetch = || target.fetch(&[]).unwrap().into_iter().map(|fetched| fetched.outcome);
    assert!(fetch().all(|outcome| outcome == Outcome::AlreadyGood));
    target.assert_complete();

    let spec = &target.manifest.files[0];
    let mut damaged = target.raw[0].clone();
    damaged[20] ^= 1;
    fs::write(target.path(spec.raw_name()), damaged).unwrap();
    fs::remove_file(target.path(target.manifest.files[1].raw_name())).unwrap();
    let here = Outcome::Healed(Source::Directory(target.dir.path().into()));
    let good = Outcome::AlreadyGood;
    assert!(fetch().eq([here, good.clone(), good.clone(), good]));
    target.assert_complete();
}

#[test]
fn a_directory_is_a_source_with_the_same_checks() {
    let copy = tempfile::tempdir().unwrap();
    let target = Target::new();
    fixture::write(copy.path(), &target.raw);
    let source = Source::parse(copy.path().as_os_str()).unwrap();
    target.fetch(std::slice::from_ref(&source)).unwrap();
    target.assert_complete();

    let target = Target::new();
    fs::write(copy.path().join(IMAGES), b"<html>").unwrap();
    let message = target.fetch(std::slice::from_ref(&source)).unwrap_err().to_string();
    assert!(message.contains("found an HTML page"), "{message}");
    fs::remove_file(copy.path().join(IMAGES)).unwrap();
    let message = target.fetch(&[source]).unwrap_err().to_string();
    assert!(message.contains(&copy.path().join(IMAGES).display().to_string()), "{message}");
}

#[test]
fn what_a_killed_fetch_left_is_swept() {
    let target = Target::new();
    let stale = target.path(&format!("{}abc123{}", TEMPORARY.0, TEMPORARY.1));
    fs::write(&stale, b"half a file").unwrap();
    let server = target.mirror(Behaviour::Good);
    target.fetch(&[server.source()]).unwrap();
    assert!(!stale.exists());
    target.assert_complete();
}

#[test]
fn two_fetches_at_once_take_turns() {
    let target = &Target::new();
    let server = &target.mirror(Behaviour::Good);
    let sources = &[server.source()];
    let (waiting, waits) = mpsc::channel();
    thread::scope(|scope| {
        let mut second = None;
        let first = target.fetch_with(sources, &mut |_| {
            // The first holds the lock here; it goes on once the second is seen to wait.
            if second.is_none() {
                let waiting = waiting.clone();
                second = Some(scope.spawn(move || {
                    target.fetch_with(sources, &mut |progress| {
                        assert!(matches!(progress, Progress::Waiting), "{progress:?}");
                        waiting.send(()).unwrap();
                    })
                }));
                waits.recv_timeout(Duration::from_secs(10)).unwrap();
            }
        });
        first.unwrap();
        let second = second.unwrap().join().unwrap().unwrap();
        assert!(second.iter().all(|fetched| fetched.outcome == Outcome::AlreadyGood));
    });
    assert_eq!(server.requests(), 4);
    target.assert_complete();
}

#[cfg(unix)]
#[test]
fn files_get_the_mode_that_the_umask_leaves() {
    use std::os::unix::fs::PermissionsExt;
    let target = Target::new();
    let server = target.mirror(Behaviour::Good);
    fs::write(target.path("ordinary"), "").unwrap();
    let mode = |name| fs::metadata(target.path(name)).unwrap().permissions().mode();
    let ordinary = mode("ordinary");
    fs::remove_file(target.path("ordinary")).unwrap();
    target.fetch(&[server.source()]).unwrap();
    assert_eq!(mode(IMAGES), ordinary);
}

#[test]
fn sources_are_read_as_people_write_them() {
    let parse = |given: &str| Source::parse(given.as_ref());
    assert_eq!(parse("https://x.org/d/").unwrap(), Source::Url("https://x.org/d".into()));
    assert_eq!(parse(".").unwrap(), Source::Directory(".".into()));
    for (given, reason) in [("ftp://x.org", "only http"), ("/no/such/dir", "no such directory")] {
        let message = parse(given).unwrap_err().to_string();
        assert!(message.contains(given) && message.contains(reason), "{message}");
    }
    assert_eq!(sources(Some(".".as_ref())).unwrap(), [Source::Directory(".".into())]);
}
