//! Mirrors that lie, break off, are slow, or do not exist.

use tally::{Dice, Tally, size};

use super::*;
use crate::fixture::{refused, right, says};

/// Fails unless the bad source is reported with its reason for each file that it spoilt, and the second source is used.
fn falls_back(target: &Target, bad: &Source, spoilt: usize, reason: &str) -> Result<(), Failure> {
    let good = target.mirror(Behaviour::Good);
    let mut reasons = Vec::new();
    let fetched = target
        .fetch_with(&[bad.clone(), good.source()], &mut |progress| {
            if let DownloadProgress::GaveUp { file, attempt } = progress {
                assert!(attempt.source.ends_with(file));
                reasons.push(attempt.reason.clone());
            }
        })
        .unwrap();
    right(fetched[0].file == IMAGES, &fetched)?;
    let served = fetched.iter().filter(|f| f.outcome == Outcome::Downloaded(good.source()));
    right(served.count() == spoilt && reasons.len() == spoilt, (&fetched, &reasons))?;
    reasons.iter().try_for_each(|found| says(found, &[reason]))?;
    target.check_complete()
}

/// Behaviours that spoil every file, and the reason that is reported for each.
const BAD: [(Behaviour, &str); 11] = [
    (Behaviour::Status(403), "HTTP status 403"),
    (Behaviour::Status(503), "HTTP status 503"),
    (Behaviour::Html, "expected a gzip stream, found an HTML page"),
    (Behaviour::WrongBytes, "SHA-256 expected "),
    (Behaviour::Short(20), "cut short at 20 of "),
    (Behaviour::Short(0), "found an empty file"),
    (Behaviour::Endless, "longer than the "),
    (Behaviour::RedirectLoop, "too many redirects"),
    (Behaviour::RedirectToCommands, r"\u009b31m\u009d0;b/\u202e"),
    (Behaviour::Reset, "io: "),
    (Behaviour::NoTls, "io: received corrupt message"),
];

#[test]
fn a_bad_mirror_is_skipped() {
    let mut tally = Tally::new("D9", "mirrors that answer badly, or not at all");
    for (behaviour, reason) in BAD {
        let target = Target::new();
        let bad = target.mirror(behaviour);
        tally.case(|| falls_back(&target, &bad.source(), 4, reason));
    }
    let target = Target::new();
    // Bound and dropped at once: nobody listens on that port.
    let gone = target.mirror(Behaviour::Good).source();
    tally.case(|| falls_back(&target, &gone, 4, "io: "));
    tally.finish();
}

#[test]
fn a_slow_mirror_is_given_up() {
    let mut tally = Tally::new("D9", "slow mirrors");
    for (behaviour, read, total, reason) in [
        (Behaviour::SlowHeader, 10_000, 300, "timeout: global"),
        (Behaviour::SlowBody, 10_000, 300, "timeout: global"),
        (Behaviour::Stall, 300, 10_000, "timeout: per read"),
    ] {
        tally.case(|| {
            let target = Target::new();
            let server = target.mirror(behaviour);
            let [read, total] = [read, total].map(Duration::from_millis);
            let config = config().timeout_per_read(Some(read)).timeout_global(Some(total));
            let result = target.fetch_within(config, &[server.source()], &mut |_| {});
            target.assert_nothing_wrong_has_a_name();
            refused(result, &[reason])
        });
    }
    tally.finish();
}

#[test]
fn a_mirror_may_break_off_anywhere() {
    let mut tally = Tally::new("D9", "mirrors that break off at byte k");
    let mut check = |target: Target, at: usize| {
        let bad = target.mirror(Behaviour::Cut(at));
        let spoilt = target.manifest.files.iter().filter(|spec| spec.gzip.bytes > at as u64);
        let reason = format!("broke off at {at} of ");
        tally.case(|| falls_back(&target, &bad.source(), spoilt.count(), &reason));
    };
    let shortest = Target::new().manifest.files.map(|spec| spec.gzip.bytes).into_iter().min();
    for at in (0..usize::try_from(shortest.unwrap()).unwrap()).step_by(size(7, 1)) {
        check(Target::new(), at);
    }
    let noisy = noisy_files();
    let mut dice = Dice::new(9);
    for _ in 0..size(5, 50) {
        check(Target::of(noisy.clone()), dice.below(noisy[0].len()));
    }
    tally.finish();
}

#[test]
fn when_all_fail_every_source_is_listed_with_its_reason() {
    let mut tally = Tally::new("D9", "no good mirror at all");
    let target = Target::new();
    fs::write(target.path(LABELS), gzip(&target.raw[1])).unwrap();
    let servers = BAD.map(|(behaviour, reason)| (target.mirror(behaviour), reason));
    let sources = servers.each_ref().map(|(server, _)| server.source());
    let message = target.fetch(&sources).unwrap_err().to_string();
    for (server, reason) in &servers {
        let place = format!("{}/{IMAGES}: ", server.source());
        tally.case(|| {
            let line = message.lines().find(|line| line.contains(&place)).unwrap_or_default();
            says(line, &[reason])
        });
    }
    let wrong = fixture::digest(&target.raw[0]).sha256;
    tally.case(|| {
        says(&message, &[IMAGES, "download failed", "FMNIST_MIRROR"])?;
        says(&message, &[&target.manifest.files[0].gzip.sha256])?;
        right(!message.contains(&wrong), &message)?;
        right(target.files().len() == 1 + usize::from(!cfg!(unix)), "more than the good labels")
    });
    tally.finish();
}

/// Without a network, all addresses fail for the same reason.
#[test]
fn a_reason_that_is_the_same_is_given_once() {
    let target = Target::new();
    let servers = [(); 2].map(|()| target.mirror(Behaviour::Status(503)));
    let [a, b] = servers.each_ref().map(|server| format!("{}/{IMAGES}", server.source()));
    let message = target.fetch(&servers.each_ref().map(Server::source)).unwrap_err().to_string();
    assert!(message.contains(&format!("; {a}, {b}: HTTP status 503; check")), "{message}");
}

/// A directory may be a mirror too, and contain what no server could send.
#[cfg(unix)]
#[test]
fn a_pipe_in_a_mirror_is_not_waited_for() {
    let mut tally = Tally::new("D9", "directories of pipes and devices as mirrors");
    let target = Target::new();
    let copy = tempfile::tempdir().unwrap();
    let copy = copy.path();
    fixture::write(copy, &target.raw);
    let [images, labels] = [IMAGES, LABELS].map(|name| copy.join(name));
    fs::remove_file(&images).unwrap();
    fs::remove_file(&labels).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &labels).unwrap();
    let piped = std::process::Command::new("mkfifo").arg(&images).status();
    if !piped.is_ok_and(|status| status.success()) {
        fixture::notice("no mkfifo on this machine");
        fs::create_dir(&images).unwrap();
    }
    let source = Source::Directory(copy.into());
    // Opening the pipe would wait forever, so it is done on a thread that need not end.
    let (answer, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = answer.send(falls_back(&target, &source, 2, "not a regular file"));
    });
    tally.case(|| answers.recv_timeout(Duration::from_secs(10)).unwrap());
    tally.finish();
}
