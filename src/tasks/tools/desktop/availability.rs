//! Which desktop tools this machine can use, and what is missing for the others. Owns the names of the
//! packages; installs nothing.

use super::Desktop;
use super::programs::find;
use super::screenshot::CAMERAS;

/// One desktop tool on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    pub tool: &'static str,
    /// Empty when it can be used.
    pub missing: Vec<Missing>,
}

impl Availability {
    pub fn is_available(&self) -> bool {
        self.missing.is_empty()
    }
}

/// What a desktop tool lacks. Shown, it says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    Display,
    /// The session shows its windows by Wayland.
    X11Session,
    Program {
        name: &'static str,
        /// Of Debian and its kin.
        package: &'static str,
    },
}

impl std::fmt::Display for Missing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Display => out.write_str("there is no display: $DISPLAY is not set"),
            Self::X11Session => out.write_str(
                "this is a Wayland session, in which no program sees another's windows; log in to an X11 session",
            ),
            Self::Program { name, package } => {
                write!(out, "{name} is not installed; `apt-get install {package}` installs it")
            }
        }
    }
}

/// What a tool cannot do without, beside a display.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs {
    /// `xdotool`
    Hands,
    /// Any program that takes pictures of the screen.
    Camera,
    /// `tesseract`
    Reader,
}

impl Desktop {
    pub(super) fn missing(&self, needs: &[Needs]) -> Vec<Missing> {
        let mut missing = Vec::new();
        match (&self.display, self.is_wayland) {
            (_, true) => missing.push(Missing::X11Session),
            (None, false) => missing.push(Missing::Display),
            (Some(_), false) => {}
        }
        missing.extend(needs.iter().filter_map(|needed| {
            let (names, name, package): (&[&str], _, _) = match needed {
                Needs::Hands => (&["xdotool"], "xdotool", "xdotool"),
                Needs::Camera => (&CAMERAS, "scrot", "scrot"),
                Needs::Reader => (&["tesseract"], "tesseract", "tesseract-ocr"),
            };
            let is_there = names.iter().any(|name| find(name).is_some());
            (!is_there).then_some(Missing::Program { name, package })
        }));
        missing
    }
}

/// Each desktop tool, in its order in the toolbox.
pub fn availability(desktop: &Desktop) -> Vec<Availability> {
    let needs: [(_, &[Needs]); 6] = [
        ("screenshot", &[Needs::Camera]),
        ("read_screen", &[Needs::Camera, Needs::Reader]),
        ("open_app", &[]),
        ("type_text", &[Needs::Hands]),
        ("press_keys", &[Needs::Hands]),
        ("click", &[Needs::Hands]),
    ];
    needs
        .into_iter()
        .map(|(tool, needs)| Availability { tool, missing: desktop.missing(needs) })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // If this fails, `kaizen doctor` calls a tool usable that every action with fails.
    #[test]
    fn without_a_display_no_tool_is_available_and_each_says_why() {
        let none = Desktop { display: None, is_wayland: false };
        let names: Vec<_> = availability(&none).iter().map(|one| one.tool).collect();
        let tools: Vec<_> = super::super::tools(&none).iter().map(|tool| tool.name()).collect();
        assert_eq!(names, tools);
        for one in availability(&none) {
            assert!(!one.is_available() && one.missing[0] == Missing::Display, "{one:?}");
        }
        let wayland = Desktop { display: Some(":0".into()), is_wayland: true };
        let told = wayland.require(&[]).unwrap_err();
        assert!(told.contains("X11"), "{told}");
        let program = Missing::Program { name: "tesseract", package: "tesseract-ocr" };
        assert!(program.to_string().contains("apt-get install tesseract-ocr"));
    }
}
