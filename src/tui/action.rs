//! The one table of actions: what can be done, by which keys, and where. It drives dispatch, the
//! footer, the help and the palette, so that a hint is never untrue.

pub use super::key_press::KeyPress;
use super::pane::PaneName;

/// Everything a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    // Everywhere.
    Show(PaneName),
    Help,
    Palette,
    Models,
    Quit,
    Suspend,
    Redraw,
    Copy,
    /// Releases the mouse, or takes it.
    Mouse,
    /// Answers as they are, or as the Markdown that they are written in.
    RawAnswers,
    /// The next theme, until the end.
    NextTheme,
    CopyTable,
    /// What is shown, into a file.
    Export,
    Back,

    // Lists and texts.
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    /// A digit of how often the next movement is done.
    Count,
    Open,
    /// The next part of the pane.
    NextPart,
    /// Shows only the rows with certain words.
    Search,

    // Text entry.
    Confirm,
    NewLine,
    Editor,
    Older,
    Newer,

    // Tasks.
    EnterPrompt,
    Regenerate,
    NewTask,
    SystemPrompt,
    Rate,
    /// Tasks are answered, or carried out in a folder.
    SwitchMode,
    ChooseFolder,
    /// Shows the action that waits for a word.
    ShowWaiting,

    // An action that waits for a word.
    Allow,
    AllowKind,
    Deny,
    EditProposal,

    // The feedback form.
    Stars(u8),
    ToggleIssue(u8),
    NextField,
    PreviousField,
    /// Empties a field, or brings back what stood there.
    ClearText,

    // Sessions.
    NextFilter,
    EditCorrection,
    AddToSet,
    /// Walks through the failed sessions without a right answer.
    CorrectAll,
    NextSession,
    PreviousSession,
    /// Takes the answer that was given, to change it.
    GivenAnswer,
    PreviousStep,
    NextStep,
    RateStep,
    /// Writes the action that would have been right.
    CorrectStep,

    // Weak areas.
    Measure,
    LowerThreshold,
    RaiseThreshold,
    AutoThreshold,
    Choose,
    ChooseAll,
    ChooseSet,
    ChooseArm,

    // Training.
    Train,
    TrainFromFile,
    Pause,
    Stop,
    Overlay,
    Smoothing,
    /// The whole run, its live tail, or as it stands now.
    ChartMode,
    ZoomIn,
    ZoomOut,
    /// Half a chart to the left.
    Earlier,
    Later,
    LogAxis,
    CursorPageLeft,
    CursorPageRight,

    // Compare.
    ChooseLeft,
    ChooseRight,
    Blind,
    /// Marks what only one of two answers says.
    Differences,
    Judge,
    /// The person's own work, or the evaluation set.
    OtherJudge,
    FailedTasks,
    Promote,
    Canary,
    RollBack,

    // Replay.
    Replay,
    PreferLeft,
    PreferRight,
    PreferNeither,
    Skip,

    // Experiments.
    Improve,
    NewExperiment,
    /// Goes on with what was stopped.
    Resume,
    Sentinels,

    // Questions.
    Yes,
    No,
    GoOnLater,
    GoOnInBackground,
}

/// Where an action's keys act. A text scope comes before what is typed; whatever it does not name is
/// text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Also while text is entered.
    Always,
    /// Outside text entry, in every pane.
    Everywhere,
    /// Whatever can be moved in.
    Movement,
    TasksPrompt,
    Tasks,
    Sessions,
    /// The walk through what is to be corrected.
    Correcting,
    Weak,
    Training,
    TrainingPreview,
    Compare,
    /// Blind pairs; Compare's keys act around it.
    Replay,
    Experiments,
    /// Which experiment is to be started.
    ExperimentChoice,
    /// The matrix, or an open cell of it.
    Sentinels,
    /// A single line or a text that Enter confirms.
    Entry,
    /// The feedback form before the stars, at the issues, and in its texts.
    FormStars,
    FormIssues,
    FormText,
    Help,
    Palette,
    /// The models on this machine; what is typed narrows the list.
    Models,
    Question,
    /// An action that waits for a word, and the field where it is changed.
    Approval,
    ApprovalText,
    /// What is said of one step: the stars, and the right action.
    StepStars,
    StepText,
}

impl Scope {
    /// The words over its part of the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::Everywhere => "Everywhere, outside text",
            Self::Movement => "Moving about",
            Self::TasksPrompt => "Tasks: writing a prompt",
            Self::Tasks => "Tasks",
            Self::Sessions => "Sessions",
            Self::Correcting => "Sessions: correcting one after another",
            Self::Weak => "Weak areas",
            Self::Training => "Training",
            Self::TrainingPreview => "Training: before it starts",
            Self::Compare => "Compare",
            Self::Replay => "Compare: replay",
            Self::Experiments => "Experiments",
            Self::ExperimentChoice => "Experiments: which one",
            Self::Sentinels => "Experiments: sentinels",
            Self::Entry => "Entering text",
            Self::FormStars => "Feedback: stars",
            Self::FormIssues => "Feedback: what went wrong",
            Self::FormText => "Feedback: comment and correction",
            Self::Help => "Help",
            Self::Palette => "Palette",
            Self::Models => "Models on this machine",
            Self::Question => "A question",
            Self::Approval => "An action waits for your word",
            Self::ApprovalText => "An action waits: changing it",
            Self::StepStars => "Sessions: rating a step",
            Self::StepText => "Sessions: the right action for a step",
        }
    }

    /// The scope around this one, whose keys act where it has none of its own.
    pub fn within(self) -> Option<Self> {
        (self == Self::Replay).then_some(Self::Compare)
    }

    /// All scopes whose keys act where this is the nearest, nearest first.
    pub fn acting(self, layered: bool) -> Vec<Self> {
        let mut scopes = vec![self];
        scopes.extend(self.within());
        if !self.takes_text() {
            scopes.push(Self::Movement);
            if !layered {
                scopes.push(Self::Everywhere);
            }
        }
        scopes.push(Self::Always);
        scopes
    }

    /// It is of something that lies over the panes.
    pub fn is_layer(self) -> bool {
        matches!(
            self,
            Self::Entry
                | Self::FormStars
                | Self::FormIssues
                | Self::FormText
                | Self::Help
                | Self::Palette
                | Self::Models
                | Self::Question
                | Self::Approval
                | Self::ApprovalText
                | Self::StepStars
                | Self::StepText
        )
    }

    /// Printable keys are text here.
    pub fn takes_text(self) -> bool {
        matches!(
            self,
            Self::TasksPrompt
                | Self::Correcting
                | Self::Entry
                | Self::FormText
                | Self::Palette
                | Self::Models
                | Self::ApprovalText
                | Self::StepText
        )
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct ActionRow {
    pub scope: Scope,
    pub action: Action,
    /// As the palette finds it.
    pub name: &'static str,
    pub description: &'static str,
    pub keys: &'static [&'static str],
    /// Short words for the footer; rows without one stand in the help only.
    pub hint: Option<&'static str>,
}

macro_rules! actions {
    ($($scope:ident { $($action:expr, $name:literal, $keys:expr, $hint:expr, $description:literal;)* })*) => {
        /// All actions, in the order of footer and help.
        pub const TABLE: &[ActionRow] = &[$($(ActionRow {
            scope: Scope::$scope,
            action: $action,
            name: $name,
            keys: &$keys,
            hint: $hint,
            description: $description,
        },)*)*];
    };
}

use Action as A;
use PaneName as P;

actions! {
    TasksPrompt {
        A::Confirm, "send", ["enter"], Some("send"), "Send the prompt to the model";
        A::SwitchMode, "switch-mode", ["tab"], Some("ask/act"), "Answer tasks, or carry them out in a folder";
        A::NewLine, "new-line", ["ctrl-j", "alt-enter", "shift-enter"], Some("new line"), "Start a new line in the prompt";
        A::Back, "leave-prompt", ["esc"], Some("leave"), "Cancel the answer, or leave the prompt";
        A::ShowWaiting, "look-at-action", ["ctrl-o"], Some("look at the action"), "Show the action that waits for your word";
        A::NewTask, "new-task-now", ["ctrl-n"], Some("new task"), "Begin a new conversation";
        A::ChooseFolder, "folder-now", ["ctrl-g"], Some("folder"), "In act mode: carry tasks out in another folder";
        A::Older, "older-prompt", ["up"], None, "On the first line: an older prompt";
        A::Newer, "newer-prompt", ["down"], None, "On the last line: a newer prompt";
        A::PageUp, "scroll-up", ["pageup"], None, "Scroll the conversation back";
        A::PageDown, "scroll-down", ["pagedown"], None, "Scroll the conversation forth";
        A::Editor, "prompt-in-editor", ["ctrl-e"], None, "Write the prompt in $EDITOR";
    }
    Tasks {
        A::ShowWaiting, "show-action", ["o"], Some("look at the action"), "Show the action that waits for your word";
        A::EnterPrompt, "prompt", ["i", "enter"], Some("prompt"), "Write a prompt or a follow-up";
        A::Back, "cancel-answer", ["esc"], Some("cancel"), "Cancel the answer that comes";
        A::Rate, "rate", ["f"], Some("rate"), "Rate the last answer";
        A::Regenerate, "regenerate", ["r"], Some("again"), "Answer, or carry out, the last task again";
        A::NewTask, "new-task", ["n"], Some("new task"), "Begin a new conversation";
        A::ChooseArm, "task-arm", ["b"], Some("arm"), "Who answers: by routing, base, or an adapter";
        A::SwitchMode, "ask-or-act", ["tab"], Some("ask/act"), "Answer tasks, or carry them out in a folder";
        A::ChooseFolder, "folder", ["d"], Some("folder"), "In act mode: carry tasks out in another folder";
        A::SystemPrompt, "system-prompt", ["s"], Some("system"), "Change the system prompt";
    }
    Sessions {
        A::Open, "open-session", ["enter"], Some("open"), "Open the session";
        A::Rate, "rate-session", ["r"], Some("rate"), "Rate the session anew";
        A::EditCorrection, "correct", ["e"], Some("correct"), "Write or change the right answer";
        A::CorrectAll, "correct-all", ["w"], Some("walk"), "Correct the failed sessions one after another";
        A::AddToSet, "add-to-set", ["a"], Some("to set"), "Add the session with its correction to the evaluation set";
        A::NextFilter, "filter", ["f"], None, "Show all, failed, to correct, contradicting, unrated or good sessions";
        A::Train, "train-failed", ["t"], Some("train"), "Train on the failed sessions with a correction";
        A::Left, "newer-session", ["left", "h"], Some("newer"), "While one is open: the session above it in the list";
        A::Right, "older-session", ["right", "l"], Some("older"), "While one is open: the session below it in the list";
        A::Back, "leave-session", ["esc"], Some("back"), "Back to the list, or clear search and filter";
        A::PreviousStep, "previous-step", ["["], Some("step"), "Of a task that was carried out: the step before";
        A::NextStep, "next-step", ["]"], None, "Of a task that was carried out: the next step";
        A::RateStep, "rate-step", ["s"], Some("stars"), "Rate the selected step";
        A::CorrectStep, "correct-step", ["c"], Some("fix"), "Write the action that would have been right in the selected step";
    }
    Correcting {
        A::Confirm, "save-correction", ["enter"], Some("save, next"), "Save the right answer and go to the next session";
        A::NextSession, "skip-session", ["tab"], Some("skip"), "To the next session without saving; what is typed stays";
        A::Back, "end-correcting", ["esc"], Some("end"), "End; what is not saved is named first";
        A::PreviousSession, "previous-session", ["backtab"], Some("back"), "To the session before";
        A::GivenAnswer, "given-answer", ["ctrl-g"], Some("its answer"), "Put the given answer into the editor, to change it";
        A::ClearText, "clear-correction", ["ctrl-u"], Some("clear"), "Empty the editor; once more: what stood there";
        A::NewLine, "new-line-correction", ["ctrl-j", "alt-enter", "shift-enter"], Some("new line"), "Start a new line";
        A::Editor, "walk-in-editor", ["ctrl-e"], Some("editor"), "Write the right answer in $EDITOR";
        A::PageUp, "read-back", ["pageup"], None, "Scroll what was asked and answered back";
        A::PageDown, "read-on", ["pagedown"], None, "Scroll what was asked and answered forth";
    }
    Weak {
        A::Measure, "measure", ["m"], Some("measure"), "Measure the set with the chosen arm";
        A::Choose, "choose", ["space"], Some("choose"), "Choose the example for training";
        A::ChooseAll, "choose-weak", ["c"], Some("all weak"), "Choose all examples over the threshold, or none";
        A::LowerThreshold, "lower-threshold", ["["], Some("threshold"), "Lower the threshold";
        A::RaiseThreshold, "raise-threshold", ["]"], None, "Raise the threshold";
        A::AutoThreshold, "auto-threshold", ["="], None, "Threshold by itself: the worst quarter, above 10";
        A::Train, "train-weak", ["t"], Some("train"), "Train on the right answers of the chosen examples";
        A::Open, "heat-map", ["enter"], Some("large"), "Show the example with its heat map alone, or go back";
        A::Left, "previous-token", ["left", "h"], None, "The token before";
        A::Right, "next-token", ["right", "l"], None, "The token after";
        A::ChooseSet, "choose-set", ["o"], Some("set"), "Choose another evaluation set";
        A::ChooseArm, "choose-arm", ["b"], Some("arm"), "Measure base or an adapter";
        A::Back, "stop-measuring", ["esc"], None, "Go back, or stop measuring";
    }
    TrainingPreview {
        A::Confirm, "start-training", ["enter"], Some("start"), "Start the training";
        A::Back, "discard-training", ["esc"], Some("back"), "Do not train";
        A::Left, "previous-example", ["left", "h"], Some("example"), "The example before";
        A::Right, "next-example", ["right", "l"], None, "The next example";
    }
    Training {
        A::Train, "train-on-failed", ["t"], Some("train failed"), "Train on the failed sessions with a correction";
        A::TrainFromFile, "train-from-file", ["o"], Some("from file"), "Train on a JSONL file";
        A::Pause, "pause", ["p"], Some("pause/go on"), "Pause the run, or go on with a paused one";
        A::Stop, "stop-training", ["x"], Some("stop"), "Stop the run for good";
        A::Overlay, "overlay", ["space"], Some("overlay"), "Lay the curve of an earlier run over";
        A::ChartMode, "chart-mode", ["f"], Some("tail/freeze"), "The chart shows the whole run, its live tail, or stays frozen as it is";
        A::Left, "cursor-left", ["left", "h"], Some("cursor"), "Read off the step before: loss, held-out loss, learning rate, gradient norm";
        A::Right, "cursor-right", ["right", "l"], None, "Read off the step after";
        A::CursorPageLeft, "cursor-page-left", ["shift-left", "["], None, "The cursor ten columns back";
        A::CursorPageRight, "cursor-page-right", ["shift-right", "]"], None, "The cursor ten columns on";
        A::ZoomIn, "zoom-in", ["+", "="], Some("zoom"), "Fewer steps in the chart, about the cursor";
        A::ZoomOut, "zoom-out", ["-"], None, "More steps in the chart";
        A::Earlier, "chart-earlier", ["<", ","], None, "Half a chart back";
        A::Later, "chart-later", [">", "."], None, "Half a chart on";
        A::LogAxis, "log-axis", ["y"], None, "Loss on a logarithmic axis, or an even one";
        A::Smoothing, "smoothing", ["s"], Some("smooth"), "Smooth the loss more or less";
        A::Back, "chart-reset", ["esc"], None, "Take the cursor away, then the zoom, then show all runs again";
    }
    Replay {
        A::PreferLeft, "left-better", ["left", "h"], Some("left better"), "The answer on the left is better";
        A::PreferRight, "right-better", ["right", "l"], Some("right better"), "The answer on the right is better";
        A::PreferNeither, "even", ["t", "="], Some("even"), "Neither answer is better";
        A::Skip, "skip-pair", ["s"], Some("skip"), "Pass this task over: it counts for nobody";
        A::Replay, "start-replay", ["enter"], Some("begin"), "Have both arms answer your rated tasks again, or go on with it";
    }
    Compare {
        A::EnterPrompt, "compare-prompt", ["i", "enter"], Some("prompt"), "Write a prompt for both arms; in your tasks: answer the selected one again";
        A::ChooseLeft, "left-arm", ["a"], Some("arms"), "Choose the left arm";
        A::ChooseRight, "right-arm", ["b"], None, "Choose the right arm";
        A::Blind, "blind", ["v"], Some("blind"), "Hide which arm is which until both are rated";
        A::Rate, "rate-answers", ["r"], Some("rate"), "Rate both answers";
        A::Judge, "judge", ["g"], Some("gate"), "Ask the gate whether the right arm is better: your own work first, from 20 corrections on";
        A::OtherJudge, "other-judge", ["o"], Some("other judge"), "In the gate: your own work judges, or the evaluation set";
        A::FailedTasks, "failed-tasks", ["w"], None, "Your failed tasks, before and after";
        A::NextPart, "next-part", ["tab"], Some("view"), "Answers, replay, gate, your tasks, ratings, progress";
        A::Promote, "promote", ["p"], Some("promote"), "The right arm answers all tasks; shows the evidence and asks first";
        A::Canary, "canary", ["c"], None, "The right arm answers a small share of the tasks; shows the evidence and asks first";
        A::RollBack, "roll-back", ["u"], None, "Back to who answered before the adapter that came last; asks first";
        A::Left, "left-column", ["left", "h"], None, "The left answer, or the list, is the one that scrolls";
        A::Right, "right-column", ["right", "l"], None, "The right answer, or the selected task, is the one that scrolls";
        A::Differences, "differences", ["d"], None, "Mark the words in which the two answers differ";
        A::Back, "stop-comparing", ["esc"], Some("end"), "Stop what is being measured or answered, end the replay or the reading, or show all tasks again";
    }
    Experiments {
        A::Open, "open-experiment", ["enter"], Some("large"), "Show what is selected alone, or go back";
        A::Improve, "improve", ["i"], Some("improve"), "One round of improvement: weak areas, examples, training, decision";
        A::NewExperiment, "new-experiment", ["n"], Some("experiment"), "Start an experiment: arms trained over seeds, and held against each other";
        A::Resume, "resume", ["r"], Some("go on"), "Go on with the selected one, which was stopped";
        A::Stop, "stop-work", ["x"], Some("stop"), "Stop what is running; it can be gone on with";
        A::Sentinels, "sentinels", ["s"], Some("sentinels"), "What every adapter cost elsewhere: adapter by sentinel area";
        A::ChooseSet, "experiment-set", ["o", "f"], Some("set"), "Choose another evaluation set";
        A::ChooseArm, "improve-arm", ["b"], Some("arm"), "A round starts from base or an adapter";
        A::Left, "newer-experiment", ["left", "h"], None, "While one has the screen: the one above it in the list";
        A::Right, "older-experiment", ["right", "l"], None, "While one has the screen: the one below it in the list";
        A::Back, "leave-experiment", ["esc"], Some("back/stop"), "Back to the list, or stop what is running";
    }
    ExperimentChoice {
        A::Confirm, "choose-experiment", ["enter"], Some("start"), "Start the selected experiment";
        A::Back, "leave-choice", ["esc"], Some("back"), "Start none";
    }
    Sentinels {
        A::Open, "open-cell", ["enter"], Some("answers"), "The answers before and after";
        A::Left, "area-left", ["left", "h"], None, "The area to the left";
        A::Right, "area-right", ["right", "l"], None, "The area to the right";
        A::Sentinels, "leave-sentinels", ["s"], Some("experiments"), "Back to rounds and experiments";
        A::Back, "leave-cell", ["esc"], Some("back"), "Back to the matrix, or to rounds and experiments";
    }
    FormStars {
        A::Stars(1), "one-star", ["1"], Some("stars"), "One star: useless";
        A::Stars(2), "two-stars", ["2"], None, "Two stars: bad";
        A::Stars(3), "three-stars", ["3"], None, "Three stars: not good enough";
        A::Stars(4), "four-stars", ["4"], None, "Four stars: good";
        A::Stars(5), "five-stars", ["5"], None, "Five stars: as I would have done it";
        A::NextField, "keep-stars", ["tab", "enter"], Some("keep, go on"), "Keep the stars; on to issues, comment and right answer";
        A::Back, "skip-rating", ["esc"], Some("skip"), "Do not rate";
    }
    FormIssues {
        A::ToggleIssue(1), "issue-ocr", ["1"], Some("what went wrong"), "OCR confidence low";
        A::ToggleIssue(2), "issue-wrong-action", ["2"], None, "Wrong action selected";
        A::ToggleIssue(3), "issue-timeout", ["3"], None, "Timeout";
        A::ToggleIssue(4), "issue-coordination", ["4"], None, "Coordination issue";
        A::ToggleIssue(5), "issue-other", ["5"], None, "Other";
        A::NextField, "to-comment", ["tab", "down"], Some("comment, correction"), "To the comment and the right answer";
        A::PreviousField, "to-stars", ["backtab", "up"], None, "Back to the stars";
        A::Confirm, "save-feedback", ["enter"], Some("save"), "Save issues, comment and right answer";
        A::Back, "skip-feedback", ["esc"], Some("skip"), "Keep the stars alone";
    }
    FormText {
        A::Confirm, "save-feedback-text", ["enter"], Some("save"), "Save issues, comment and right answer";
        A::NewLine, "new-line-feedback", ["ctrl-j", "alt-enter", "shift-enter"], Some("new line"), "Start a new line in the right answer";
        A::Editor, "correction-in-editor", ["ctrl-e"], Some("editor"), "Write the right answer in $EDITOR";
        A::ClearText, "clear-field", ["ctrl-u"], Some("clear"), "Empty the field; once more: what stood there";
        A::NextField, "next-field", ["tab"], Some("next field"), "To the next field";
        A::PreviousField, "previous-field", ["backtab"], None, "To the field before";
        A::Back, "skip-feedback-text", ["esc"], Some("skip"), "Keep the stars alone";
    }
    StepStars {
        A::Stars(1), "step-one-star", ["1"], Some("stars"), "One star: the wrong thing to do";
        A::Stars(2), "step-two-stars", ["2"], None, "Two stars: bad";
        A::Stars(3), "step-three-stars", ["3"], None, "Three stars: not good enough";
        A::Stars(4), "step-four-stars", ["4"], None, "Four stars: good";
        A::Stars(5), "step-five-stars", ["5"], None, "Five stars: as I would have done it";
        A::NextField, "to-right-action", ["tab", "enter", "c"], Some("right action"), "On to the action that would have been right";
        A::Back, "skip-step", ["esc"], Some("skip"), "Leave the step as it was";
    }
    StepText {
        A::Confirm, "save-right-action", ["enter"], Some("save"), "Save the action that would have been right";
        A::ClearText, "clear-action", ["ctrl-u"], Some("clear"), "Empty the field; once more: what stood there";
        A::PreviousField, "to-step-stars", ["backtab"], Some("stars"), "Back to the stars";
        A::Back, "leave-right-action", ["esc"], Some("leave"), "Leave the action as it was";
    }
    Approval {
        A::Allow, "allow-once", ["y"], Some("once"), "Do it, this once";
        A::AllowKind, "allow-kind", ["a"], Some("all of its kind"), "Do it, and all of its kind in this folder from now on";
        A::Deny, "deny", ["n"], Some("deny"), "Do not do it; the task goes on without it";
        A::EditProposal, "edit-action", ["e"], Some("edit"), "Change it before it is done";
        A::Stop, "stop-task", ["x"], Some("stop the task"), "Do not do it, and end the task";
        A::Back, "decide-later", ["esc"], Some("later"), "Decide later: the action waits";
    }
    ApprovalText {
        A::Confirm, "do-instead", ["enter"], Some("do this instead"), "Do what is written in the action's place";
        A::Back, "leave-action", ["esc"], Some("back"), "Back to the action as it was";
    }
    Entry {
        A::Confirm, "accept", ["enter"], Some("accept"), "Accept what is entered";
        A::NewLine, "new-line-entry", ["ctrl-j", "alt-enter", "shift-enter"], None, "Start a new line, where there may be several";
        A::Back, "give-up", ["esc"], Some("give up"), "Leave it as it was";
    }
    Palette {
        A::Confirm, "do", ["enter"], Some("do it"), "Do the selected action";
        A::Up, "palette-up", ["up", "ctrl-p"], None, "The one above";
        A::Down, "palette-down", ["down", "ctrl-n"], None, "The one below";
        A::Back, "close-palette", ["esc"], Some("close"), "Close the palette";
    }
    Models {
        A::Confirm, "use-model", ["enter"], Some("use it"), "Make the selected model the default and load it";
        A::Up, "models-up", ["up", "ctrl-p"], None, "The one above";
        A::Down, "models-down", ["down", "ctrl-n"], None, "The one below";
        A::PageUp, "models-page-up", ["pageup"], None, "A page up";
        A::PageDown, "models-page-down", ["pagedown"], None, "A page down";
        A::Back, "close-models", ["esc"], Some("close"), "Leave the model as it is";
    }
    Help {
        A::Back, "close-help", ["esc", "q", "?", "enter"], Some("close"), "Close the help";
    }
    Question {
        A::Yes, "yes", ["y", "enter"], Some("yes"), "Yes";
        A::GoOnLater, "go-on-later", ["l"], Some("go on later"), "Pause the training, and go on next time";
        A::GoOnInBackground, "go-on-in-background", ["b"], Some("go on in the background"), "Leave the training to a process of its own";
        A::Stop, "stop-for-good", ["x"], Some("stop it"), "Stop the training for good";
        A::No, "no", ["n", "esc"], Some("no"), "No: leave all as it is";
    }
    Movement {
        A::Up, "up", ["up", "k"], None, "Up";
        A::Down, "down", ["down", "j"], None, "Down";
        A::PageUp, "page-up", ["pageup", "ctrl-b"], None, "A page up";
        A::PageDown, "page-down", ["pagedown", "ctrl-f"], None, "A page down";
        A::HalfUp, "half-up", ["ctrl-u"], None, "Half a page up";
        A::HalfDown, "half-down", ["ctrl-d"], None, "Half a page down";
        A::First, "first", ["home", "g"], None, "To the beginning";
        A::Last, "last", ["end", "shift-g"], None, "To the end";
        A::Count, "count", ["alt-1", "alt-2", "alt-3", "alt-4", "alt-5", "alt-6", "alt-7", "alt-8", "alt-9"], None, "Begin a count: after more digits, a movement goes so far, and To the end goes to that row";
        A::Search, "search", ["/"], None, "In a list: show only the rows with certain words";
    }
    Everywhere {
        A::Show(P::Tasks), "show-tasks", ["1"], None, "Tasks";
        A::Show(P::Sessions), "show-sessions", ["2"], None, "Sessions and feedback";
        A::Show(P::Weak), "show-weak-areas", ["3"], None, "Weak areas";
        A::Show(P::Training), "show-training", ["4"], None, "Training";
        A::Show(P::Compare), "show-compare", ["5"], None, "Compare";
        A::Show(P::Experiments), "show-experiments", ["6"], None, "Experiments";
        A::Models, "models", ["m", "shift-m"], None, "Models on this machine: use another";
        A::RawAnswers, "raw-answers", ["shift-r"], None, "Show answers as they are, or laid out as Markdown";
        A::NextTheme, "theme", ["shift-t"], None, "Another theme until Kaizen ends: auto, dark, light, high-contrast";
        A::Export, "export", ["e", "shift-e"], None, "Write what is shown to a file: a chart as SVG or PNG, a table as CSV";
        A::Help, "help", ["?"], Some("help"), "All keys";
        A::Palette, "palette", [":"], None, "Find an action by its name";
        A::Quit, "quit", ["q"], Some("quit"), "Quit";
    }
    Always {
        A::Palette, "palette-anywhere", ["ctrl-p"], None, "Find an action by its name";
        A::Copy, "copy", ["ctrl-y"], None, "Copy what is shown (an answer, an id, a table)";
        A::CopyTable, "copy-table", ["alt-y"], None, "Copy the table of what is shown, cells apart by tabs";
        A::Suspend, "suspend", ["ctrl-z"], None, "To the shell; fg comes back";
        A::Redraw, "redraw", ["ctrl-l"], None, "Draw the screen anew";
        A::Mouse, "mouse", ["ctrl-t"], None, "Release the mouse, for the terminal's own selection, or take it";
        A::Quit, "quit-anywhere", ["ctrl-c", "ctrl-q"], None, "Quit";
    }
}
