//! How a download treats the files that are there. Bad mirrors, full disks and kills are tested in submodules.

mod disk;
mod kill;
mod mirror;
mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tally::{Dice, Failure, ensure};

use super::*;
use crate::fixture::{self, gzip, idx_u8};
use crate::manifest::Manifest;
use server::{Behaviour, Server};

const IMAGES: &str = "train-images-idx3-ubyte.gz";
const LABELS: &str = "train-labels-idx1-ubyte.gz";

/// The four files of a set of 600 + 300 images of 28 x 28 that hardly compress: a download of several reads and writes.
fn noisy_files() -> [Vec<u8>; 4] {
    let mut dice = Dice::new(0);
    let mut bytes = |n: usize, end: usize| -> Vec<u8> {
        (0..n).map(|_| u8::try_from(dice.below(end)).unwrap()).collect()
    };
    [
        idx_u8(&[600, 28, 28], &bytes(600 * 784, 256)),
        idx_u8(&[600], &bytes(600, 10)),
        idx_u8(&[300, 28, 28], &bytes(300 * 784, 256)),
        idx_u8(&[300], &bytes(300, 10)),
    ]
}

fn fetch_into(
    dir: &Path,
    manifest: &Manifest,
    config: ConfigBuilder<AgentScope>,
    sources: &[Source],
    progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<Vec<Fetched>, Error> {
    // The machine that runs the tests may use a proxy, which must not be asked for the loopback interface.
    let agent = config.proxy(None).build().new_agent();
    // Longer than any fetch of these tests takes.
    let patience = Duration::from_secs(60);
    Fetch { dir, sources, agent, patience, progress }.all(&manifest.files)
}

/// An empty target directory and the tiny set that belongs there.
struct Target {
    dir: tempfile::TempDir,
    raw: [Vec<u8>; 4],
    manifest: Manifest,
}

impl Target {
    fn new() -> Self {
        Self::of(fixture::raw_files(0))
    }

    fn of(raw: [Vec<u8>; 4]) -> Self {
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
        progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<Vec<Fetched>, Error> {
        let result = self.fetch_within(config(), sources, progress);
        self.assert_nothing_wrong_has_a_name();
        result
    }

    fn fetch_within(
        &self,
        config: ConfigBuilder<AgentScope>,
        sources: &[Source],
        progress: &mut dyn FnMut(DownloadProgress<'_>),
    ) -> Result<Vec<Fetched>, Error> {
        fetch_into(self.dir.path(), &self.manifest, config, sources, progress)
    }

    /// The invariant: a published name is absent or holds the published bytes; no litter.
    #[track_caller]
    fn assert_nothing_wrong_has_a_name(&self) {
        self.check_names().unwrap();
        let names = self.files().into_keys();
        let litter: Vec<String> = names.filter(|name| name.starts_with(TEMPORARY.0)).collect();
        assert!(litter.is_empty(), "{litter:?}");
    }

    /// The same, except that there may be litter, as a killed fetch leaves it.
    fn check_names(&self) -> Result<(), Failure> {
        for (name, contents) in self.files() {
            let mut known = self.manifest.files.iter().flat_map(|spec| {
                [(spec.name, spec.gzip.clone()), (spec.raw_name(), spec.raw.clone())]
            });
            let good = match known.find(|(known, _)| *known == name) {
                Some((_, digest)) => fixture::digest(&contents) == digest,
                None => name == LOCK || name.starts_with(TEMPORARY.0),
            };
            ensure(good, || Failure::torn(format!("{name}: wrong contents")))?;
        }
        Ok(())
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
        self.check_complete().unwrap();
    }

    /// All four files are there in both forms.
    fn check_complete(&self) -> Result<(), Failure> {
        for spec in &self.manifest.files {
            for name in [spec.name, spec.raw_name()] {
                let good = is_good(&self.path(name), spec).unwrap();
                ensure(good, || Failure::lost(format!("{name} is not there")))?;
            }
        }
        Ok(())
    }
}

#[test]
fn a_good_mirror_is_enough() {
    for behaviour in [Behaviour::Good, Behaviour::GoodUntilClose] {
        let target = Target::new();
        let (first, second) = (target.mirror(behaviour), target.mirror(Behaviour::Good));
        let mut last = 0;
        target
            .fetch_with(&[first.source(), second.source()], &mut |progress| {
                let DownloadProgress::Receiving { received, total, .. } = progress else {
                    panic!()
                };
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

    // The second time everything is there, and nothing is requested.
    let again = target.fetch(&[source]).unwrap();
    assert!(again.iter().all(|fetched| fetched.outcome == Outcome::AlreadyGood));
    assert_eq!(server.requests(), 3);
}

#[test]
fn a_bad_file_is_kept_until_there_is_a_better_one() {
    let target = Target::new();
    fs::write(target.path(IMAGES), b"damaged").unwrap();
    let server = target.mirror(Behaviour::WrongBytes);
    let result = target.fetch_within(config(), &[server.source()], &mut |_| {});
    assert!(matches!(result, Err(Error::Download { .. })));
    assert_eq!(target.files()[IMAGES], b"damaged");
}

#[test]
fn unzipped_files_count_as_present() {
    let target = Target::new();
    for (spec, raw) in target.manifest.files.iter().zip(&target.raw) {
        fs::write(target.path(spec.raw_name()), raw).unwrap();
    }
    let fetched = target.fetch_within(config(), &[], &mut |_| {}).unwrap();
    assert!(fetched.iter().all(|fetched| fetched.outcome == Outcome::AlreadyGood));
    assert!(!target.path(LOCK).exists(), "a complete directory is not written to");
}

/// The zipped file is enough to restore the unzipped one, without any source.
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

/// A damaged zipped file is repaired even if the unzipped one is good.
#[test]
fn damaged_zipped_files_are_healed_next_to_good_unzipped_ones() {
    let target = Target::new();
    fixture::write(target.dir.path(), &target.raw);
    let server = target.mirror(Behaviour::Good);
    target.fetch(&[server.source()]).unwrap();
    assert_eq!(server.requests(), 0);
    let mut damaged = fs::read(target.path(LABELS)).unwrap();
    damaged[20] ^= 1;
    fs::write(target.path(LABELS), damaged).unwrap();
    let fetched = target.fetch(&[server.source()]).unwrap();
    assert_eq!(fetched[1].outcome, Outcome::Healed(server.source()));
    assert_eq!(server.requests(), 1);
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
    for (given, reason) in [
        ("ftp://x.org", "expected a directory, or an address"),
        ("/no/such/dir", "no such directory"),
    ] {
        let message = parse(given).unwrap_err().to_string();
        assert!(message.contains(given) && message.contains(reason), "{message}");
    }
    assert_eq!(sources(Some(".".as_ref())).unwrap(), [Source::Directory(".".into())]);
}
