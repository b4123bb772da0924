//! Clicks at a place of the screen. Owns that the place is on it.

use super::programs::Call;
use super::{Desktop, Needs};
use crate::tasks::Action;
use crate::tasks::tools::{Argument, ArgumentKind, Effect, Tool, ToolResult, Workspace};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

/// `click`: the left button, once.
#[derive(Debug)]
pub(super) struct Click(pub(super) Desktop);

impl Tool for Click {
    fn name(&self) -> &'static str {
        "click"
    }

    fn purpose(&self) -> &'static str {
        "clicks at a place of the screen, in pixels from the top left"
    }

    fn arguments(&self) -> &'static [Argument] {
        &[
            Argument { name: "x", kind: ArgumentKind::Whole },
            Argument { name: "y", kind: ArgumentKind::Whole },
        ]
    }

    fn effect(&self, action: &Action, _workspace: &Workspace) -> Effect {
        match self.0.require(&[Needs::Hands]).and_then(|()| place(action)) {
            Ok(_) => Effect::Changes { kind: self.name().to_owned() },
            Err(why) => Effect::Refused(why),
        }
    }

    fn run(&self, action: &Action, workspace: &Workspace) -> ToolResult {
        self.click(action, workspace).unwrap_or_else(|result| result)
    }
}

impl Click {
    fn click(&self, action: &Action, workspace: &Workspace) -> Result<ToolResult, ToolResult> {
        let checked = self.0.require(&[Needs::Hands]).and_then(|()| place(action));
        let (x, y) = checked.map_err(ToolResult::failed)?;
        let run = |arguments: &[&str]| {
            self.0.run(&Call {
                program: "xdotool",
                arguments,
                input: "",
                folder: workspace.temporary(),
                limit: PATIENCE,
            })
        };
        let (width, height) = size(&run(&["getdisplaygeometry"])?)
            .ok_or_else(|| ToolResult::failed("the size of the screen is not known"))?;
        if x >= width || y >= height {
            return Err(ToolResult::failed(format!(
                "{x},{y} is not on the screen, which is {width} x {height} pixels"
            )));
        }
        run(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"])?;
        Ok(ToolResult::of(format!("clicked at {x},{y}")))
    }
}

/// Where to click, which may still lie beyond the screen.
fn place(action: &Action) -> Result<(u32, u32), String> {
    let number = |name: &str| {
        let whole = action.whole(name).and_then(|whole| u32::try_from(whole).ok());
        whole.ok_or_else(|| format!("{name} is no whole number of pixels"))
    };
    Ok((number("x")?, number("y")?))
}

/// Of a line "1280 720".
fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.trim().split_once(' ')?;
    Some((width.parse().ok()?, height.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: impl Into<serde_json::Value>, y: impl Into<serde_json::Value>) -> Action {
        let mut action = Action::new("click", &[]);
        action.arguments.insert("x".to_owned(), x.into());
        action.arguments.insert("y".to_owned(), y.into());
        action
    }

    // If this fails, a number that a model made up is taken for an option, or clicks somewhere by chance.
    #[test]
    fn a_place_is_two_whole_numbers() {
        assert_eq!(place(&at(10, 0)), Ok((10, 0)));
        for action in [
            at(-1, 5),
            at(5, i64::MAX),
            at("10", 5),
            at(1.5, 5),
            Action::new("click", &[("x", "1")]),
        ] {
            assert!(place(&action).is_err(), "{action:?}");
        }
        assert_eq!(size("1280 720\n"), Some((1280, 720)));
        assert_eq!(size("no display"), None);
    }
}
