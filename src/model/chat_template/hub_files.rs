//! Where a folder of the hub keeps its chat template. Owns the files' names and shape; knows nothing of
//! what a template does.
//!
//! Source: transformers' `tokenization_utils_base.py` and `processing_utils.py`.

use serde::Deserialize;

use crate::model::error::Result;
use crate::model::safetensors::SafetensorsFolder;

const JINJA: &str = "chat_template.jinja";
/// In the order in which they are asked.
const JSON: [&str; 2] = ["tokenizer_config.json", "chat_template.json"];

#[derive(Deserialize)]
struct File {
    chat_template: Option<Templates>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

/// The folder's template; of several the one named `default`.
///
/// # Errors
/// When a file cannot be read, or has several templates of which none is the default.
pub(super) fn template(folder: &SafetensorsFolder) -> Result<Option<String>> {
    if let Some(text) = folder.text(JINJA)? {
        return Ok(Some(text));
    }
    for name in JSON {
        let Some(text) = folder.text(name)? else { continue };
        let file: File = serde_json::from_str(&text).map_err(|error| {
            let complaint: String = error.to_string().chars().take(300).collect();
            folder.unusable(format!("its {name} cannot be read ({complaint}); fetch it again"))
        })?;
        match file.chat_template {
            None => {}
            Some(Templates::One(template)) => return Ok(Some(template)),
            Some(Templates::Named(all)) => {
                let default = all.iter().find(|named| named.name == "default");
                if let Some(named) = default {
                    return Ok(Some(named.template.clone()));
                }
                let names: Vec<_> = all.iter().map(|named| named.name.as_str()).collect();
                return Err(folder.unusable(format!(
                    "its {name} has the chat templates {names:?}, but no \"default\" one"
                )));
            }
        }
    }
    Ok(None)
}
