//! The variables of a command: a few that programs need, and none of Kaizen's own, which may hold
//! tokens, a way to the person's keys (`SSH_AUTH_SOCK`) or to their screen (`DISPLAY`).

use super::CommandRequest;
use std::path::Path;

/// Where programs lie; a folder that is not there is left out.
const PROGRAMS: [&str; 7] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/run/current-system/sw/bin",
];

/// The whole environment of a command, or why its own variables cannot be used.
pub fn of(request: &CommandRequest, temporary: &Path) -> Result<Vec<(String, String)>, String> {
    let home = temporary.to_string_lossy();
    let path: Vec<&str> =
        PROGRAMS.into_iter().filter(|folder| Path::new(folder).is_dir()).collect();
    let user = std::env::var("USER").ok().filter(|name| is_plain(name));
    let mut variables = vec![
        ("PATH".into(), path.join(":")),
        ("HOME".into(), home.to_string()),
        ("TMPDIR".into(), home.to_string()),
        ("PWD".into(), request.workspace.to_string_lossy().into_owned()),
        ("LANG".into(), "C.UTF-8".into()),
        ("LC_ALL".into(), "C.UTF-8".into()),
        ("TERM".into(), "dumb".into()),
        ("USER".into(), user.unwrap_or_else(|| "user".into())),
    ];
    for (name, value) in &request.environment {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(format!("{name:?} cannot be a variable of it"));
        }
        variables.retain(|(known, _)| known != name);
        variables.push((name.clone(), value.clone()));
    }
    Ok(variables)
}

/// Whether it can be a user's name, and not something that was put into the variable.
fn is_plain(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::time::Duration;

    fn request(environment: &[(&str, &str)]) -> CommandRequest {
        CommandRequest {
            command: "true".into(),
            workspace: "/w".into(),
            temporary: "/t".into(),
            may_write: false,
            time_limit: Duration::from_secs(1),
            output_limit: 1,
            environment: environment.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        }
    }

    // If this fails, a command sees a token of the person's, or finds no program.
    #[test]
    fn a_command_has_a_few_variables_and_those_it_is_given() {
        let own = [("ANSWER", "4 = 4"), ("LANG", "de_DE.UTF-8")];
        let variables = of(&request(&own), Path::new("/t")).unwrap();
        let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        let expected =
            ["PATH", "HOME", "TMPDIR", "PWD", "LC_ALL", "TERM", "USER", "ANSWER", "LANG"];
        assert_eq!(names, expected);
        assert!(variables.contains(&("HOME".into(), "/t".into())));
        assert!(variables.contains(&("LANG".into(), "de_DE.UTF-8".into())));
    }

    #[test]
    fn what_cannot_be_a_variable_is_an_error() {
        for wrong in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")] {
            assert!(of(&request(&[wrong]), Path::new("/t")).is_err(), "{wrong:?}");
        }
    }
}
