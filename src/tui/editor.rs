//! The person's own editor.

use std::process::Command;

/// Opens `$VISUAL`, else `$EDITOR`, else `vi` on `text`, and returns what was saved; or why nothing
/// came of it.
pub fn edit(text: &str) -> Result<String, String> {
    let told = |error: std::io::Error| format!("the editor could not be used: {error}");
    let mut file =
        tempfile::Builder::new().prefix("kaizen-").suffix(".md").tempfile().map_err(told)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(told)?;
    let path = file.into_temp_path();
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.trim().is_empty())
        .unwrap_or_else(|| "vi".into());
    // An editor may come with arguments, as in `code --wait`.
    let mut words = editor.split_whitespace();
    let Some(program) = words.next() else { return Err("no editor is set".into()) };
    let status = Command::new(program)
        .args(words)
        .arg(&path)
        .status()
        .map_err(|e| format!("{program} could not be started ({e}); set $EDITOR"))?;
    if !status.success() {
        return Err(format!("{program} ended with {status}; the text is as it was"));
    }
    let edited = std::fs::read_to_string(&path).map_err(told)?;
    Ok(edited.strip_suffix('\n').map(str::to_owned).unwrap_or(edited))
}
