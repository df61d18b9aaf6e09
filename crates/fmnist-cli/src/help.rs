//! Prints help in two sizes. `-h` shows the options that most runs need, on one screen. `--help` shows all of them, one
//! line each under headings, then examples, environment variables and exit codes.

use clap::{
    Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _,
    builder::{Resettable, Styles},
};

use crate::{Cli, console::OUTPUT, exit::EXIT_CODES};

/// The help heading of the options that read or print settings.
pub(crate) const SETTINGS: &str = "Settings";

/// The help heading of the options about saved runs.
pub(crate) const SAVING: &str = "Saving";

/// The environment variables that the program reads.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("FMNIST_DATA_DIR", "Directory that has Fashion-MNIST"),
    ("FMNIST_MIRROR", "Directory or URL to download Fashion-MNIST from"),
    ("FMNIST_ISA", "Instruction set to use: avx512, avx2, neon or portable (in plain arithmetic)"),
    ("NO_COLOR", "If set, print no colours"),
    ("CLICOLOR_FORCE", "If set to 1, print colours even if the output is not a terminal"),
];

/// A flag that clap would otherwise add by itself, under our heading.
fn flag(name: &'static str, short: char, help: &'static str) -> Arg {
    let flag = Arg::new(name).long(name).short(short).help(help);
    flag.help_heading(OUTPUT).display_order(1000)
}

/// The flags `-h` and `--help`. Both print clap's short form, since its long form takes three lines per option.
pub(crate) fn help_flag() -> Arg {
    flag("help", 'h', "Print help: a summary with -h, all of it with --help")
        .action(ArgAction::HelpShort)
        .global(true)
}

/// The flags `-V` and `--version`.
pub(crate) fn version_flag() -> Arg {
    flag("version", 'V', "Print version").action(ArgAction::Version)
}

/// Formats a command's examples, each with what it does, for the end of its help.
pub(crate) fn examples(examples: &[(&str, &str)]) -> String {
    let rows: Vec<_> = examples.iter().map(|(line, does)| (line, format!("# {does}"))).collect();
    section("Examples", &rows)
}

/// Formats a heading, and rows of two columns.
fn section(heading: &str, rows: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let header = *Styles::styled().get_header();
    let width = rows.iter().map(|(name, _)| name.as_ref().len()).max().unwrap_or(0);
    let mut text = format!("{header}{heading}:{header:#}");
    for (name, meaning) in rows {
        text += &format!("\n  {:width$}  {}", name.as_ref(), meaning.as_ref());
    }
    text
}

/// Parses the command line. Help and errors come back as an error. `fmnist help train` means `fmnist train --help`.
pub(crate) fn parse(mut arguments: Vec<String>) -> Result<Cli, clap::Error> {
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    let is_full = arguments.iter().any(|argument| argument == "--help");
    let command = if is_full { full() } else { brief() };
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

/// The command-line parser that prints the help of `-h`.
fn brief() -> Command {
    fn brief(command: Command, path: &str) -> Command {
        let path = format!("{path}{}", command.get_name());
        let is_part = command.get_arguments().any(Arg::is_hide_short_help_set);
        let rest = if is_part { "All options" } else { "More" };
        end_with(command, [format!("{rest}: {path} --help")])
            .mut_args(|arg| arg.help_heading(Resettable::Reset))
            .mut_subcommands(|command| brief(command, &format!("{path} ")))
    }
    brief(Cli::command(), "")
}

/// The command-line parser that prints the help of `--help`.
fn full() -> Command {
    fn explained(command: Command) -> Command {
        let about = command.get_long_about().or(command.get_about()).cloned();
        let values: Vec<String> = command.get_arguments().filter_map(values).collect();
        end_with(command, values).about(about.unwrap_or_default()).mut_subcommands(explained)
    }
    complete(explained(Cli::command()))
}

/// The command-line parser with everything that man pages and completions need.
pub(crate) fn documented() -> Command {
    complete(Cli::command())
}

/// Shows all options in a command's help, and adds the environment variables and the exit codes at its end.
fn complete(command: Command) -> Command {
    let variables = section("Environment variables", ENVIRONMENT);
    end_with(command, [variables, section("Exit codes", EXIT_CODES)])
        .mut_args(|arg| arg.hide_short_help(false))
        .mut_subcommands(complete)
}

/// A section on what an option's values mean, if they have help.
fn values(arg: &Arg) -> Option<String> {
    let values = arg.get_possible_values();
    let meanings =
        values.iter().filter_map(|value| Some((value.get_name(), value.get_help()?.to_string())));
    let meanings: Vec<_> = meanings.collect();
    let is_shown = !arg.is_hide_set() && !meanings.is_empty();
    is_shown.then(|| section(&format!("Values of --{}", arg.get_id()), &meanings))
}

/// Adds paragraphs to the end of a command's help.
fn end_with(command: Command, paragraphs: impl IntoIterator<Item = String>) -> Command {
    let end = command.get_after_help().map(|text| text.ansi().to_string());
    let end: Vec<String> = end.into_iter().chain(paragraphs).collect();
    command.after_help(end.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a command line prints on a terminal of this width.
    fn printed(command: Command, arguments: &[&str], width: usize) -> String {
        let matches = command.term_width(width).try_get_matches_from(arguments);
        matches.unwrap_err().render().to_string()
    }

    fn names() -> Vec<String> {
        let command = Cli::command();
        let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
        visible.map(|command| command.get_name().to_owned()).collect()
    }

    #[test]
    fn a_summary_is_one_screen() {
        for name in names() {
            for width in [80, 100] {
                let text = printed(brief(), &["fmnist", &name, "-h"], width);
                assert!(text.lines().count() <= 40, "{} lines: {text}", text.lines().count());
            }
            let examples = printed(brief(), &["fmnist", &name, "-h"], 1000);
            let mut examples = examples.lines().filter(|line| line.contains(" # "));
            assert!(examples.all(|line| line.len() <= 90), "{name}");
        }
    }

    /// If one option of a group were longer, clap would put the meaning of each on the next line, even at 100 columns.
    #[test]
    fn an_option_and_its_meaning_stand_on_one_line() {
        for name in names() {
            let text = printed(full(), &["fmnist", &name, "--help"], 100);
            for line in text.lines().map(str::trim).filter(|line| line.starts_with("--")) {
                assert!(line.contains("  "), "{line:?} in {text}");
            }
        }
    }

    #[test]
    fn options_have_defaults_and_those_of_a_run_have_headings() {
        let mut command = full();
        command.build();
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let help = arg.get_help().unwrap().to_string();
                let takes_value = arg.get_num_args().unwrap().takes_values();
                let has_default =
                    help.contains("[default: ") || !arg.get_default_values().is_empty();
                let needs_default = takes_value && !arg.is_required_set() && !arg.is_positional();
                assert!(has_default || !needs_default, "{name} {}: {help}", arg.get_id());
                assert!(arg.get_help_heading().is_some() || name != "train", "{}", arg.get_id());
            }
        }
    }

    #[test]
    fn examples_are_valid() {
        for name in names() {
            let text = printed(brief(), &["fmnist", &name, "-h"], 100);
            let examples = text.lines().filter_map(|line| line.strip_prefix("  fmnist "));
            let mut n = 0;
            for example in examples {
                let command = example.split(['#', '>']).next().unwrap();
                let arguments = ["fmnist"].into_iter().chain(command.split_whitespace());
                Cli::command().try_get_matches_from(arguments).unwrap();
                n += 1;
            }
            assert_eq!(n, 3, "{text}");
        }
    }
}
