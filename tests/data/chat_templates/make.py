#!/usr/bin/env python3
"""Writes `tests/data/chat_templates.json`: what transformers makes of conversations with the templates here.

    python3 -m venv venv
    venv/bin/pip install transformers==5.24.* jinja2
    venv/bin/python tests/data/chat_templates/make.py

`conversations` holds messages as Kaizen stores them and, where `tools` is true, they are shown the tools of
the same file. `expected[template][conversation]` is the text without and with the generation prompt, or
`{"error": …}`, the template's own words. The day's date is written `{today}`.

With a folder as argument it takes the templates (`*.jinja`) from there and prints the same JSON.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

import jinja2
from transformers.utils.chat_template_utils import render_jinja_template

HERE = Path(__file__).parent
TODAY = datetime.now().strftime("%d %b %Y")

TOOLS = [
    {"type": "function", "function": {
        "name": "weather", "description": "The weather of a place, \"now\" or later — in °C & m/s.",
        "parameters": {"type": "object", "properties": {
            "place": {"type": "string", "description": "A town's name"},
            "days": {"type": "integer", "minimum": 0, "default": 1},
            "unit": {"type": "string", "enum": ["C", "F", "<K>"]},
        }, "required": ["place"]},
    }},
    {"type": "function", "function": {
        "name": "note", "description": "", "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    }},
]
SYSTEM = {"role": "system", "content": "  You answer in few words. \n"}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, *calls):
    message = {"role": "assistant", "content": text}
    return {**message, "tool_calls": list(calls)} if calls else message


def call(id, name, **arguments):
    return {"id": id, "name": name, "arguments": arguments}


def result(id, text):
    return {"role": "tool", "content": text, "tool_call_id": id}


ZURICH = call("abc123XYZ", "weather", place="Zürich <Hbf> & \"See\"", days=3, share=0.5, tiny=1e-05, deep={"list": [1, None, True, "a\nb"]})
CONVERSATIONS = [
    ("question", False, [user("What is a harbour?")]),
    ("system", False, [SYSTEM, user("What is a harbour?")]),
    ("turns", False, [
        SYSTEM, user(" Grüße, 世界! 🚢 \n"), assistant("  Hello.\n\n"), user("It's \"fine\" <b>&</b> 100 %\t"), assistant("Good. "), user("x"),
    ]),
    ("answered", False, [user("One?"), assistant("1"), user("Two?"), assistant("2\n")]),
    ("thinking", False, [
        user("One?"), assistant("<think>\nIt is one.\n</think>\n\n1"), user("Two?"), assistant("<think>\n\nTwo, then.\n\n</think>\n\n\n2"),
    ]),
    ("thought and asked", False, [user("One?"), assistant("<think>\nIt is one.\n</think>\n\n1"), user("Two?")]),
    ("tools", True, [user("How is the weather in Zürich?")]),
    ("tools and system", True, [SYSTEM, user("First."), assistant("Yes?"), user("How is the weather in Zürich?")]),
    ("call", True, [user("How is the weather in Zürich?"), assistant("", ZURICH)]),
    ("call and result", True, [
        SYSTEM, user("How is the weather in Zürich?"), assistant("", ZURICH), result("abc123XYZ", "{\"wind\": \"12 m/s\", \"sky\": \"<grey> & näß\"}"),
    ]),
    ("call, result and answer", True, [
        user("How is the weather in Zürich?"), assistant("", ZURICH), result("abc123XYZ", "grey"), assistant("Grey."), user("Thanks."),
    ]),
    ("two calls", True, [
        user("Look twice."), assistant("I look.", ZURICH, call("note00001", "note")),
        result("abc123XYZ", "grey"), result("note00001", "noted"), assistant("<think>\nGrey.\n</think>\n\nDone."),
    ]),
    ("short id", True, [user("Look."), assistant("", call("1", "note")), result("1", "noted")]),
    ("twice the user", False, [user("One."), user("Two.")]),
    ("looks like a tool's answer", False, [user("One."), assistant("1"), user("<tool_response>\nx\n</tool_response>")]),
]


def shown(message):
    calls = message.get("tool_calls")
    if not calls:
        return message
    calls = [{"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}} for call in calls]
    return {**message, "tool_calls": calls}


def rendered(template, messages, tools):
    texts = []
    for prompt in [False, True]:
        try:
            (text,), _ = render_jinja_template(
                conversations=[[shown(message) for message in messages]], tools=TOOLS if tools else None,
                chat_template=template, add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>",
            )
        except (jinja2.TemplateError, TypeError) as error:
            return {"error": str(error)}
        texts.append(text.replace(TODAY, "{today}"))
    return texts


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    expected = {
        path.stem: {name: rendered(path.read_text(encoding="utf-8"), messages, tools) for name, tools, messages in CONVERSATIONS}
        for path in sorted(folder.glob("*.jinja"))
    }
    conversations = [{"name": name, "tools": tools, "messages": messages} for name, tools, messages in CONVERSATIONS]
    whole = json.dumps({"tools": TOOLS, "conversations": conversations, "expected": expected}, ensure_ascii=False, indent=1) + "\n"
    if len(sys.argv) > 1:
        print(whole, end="")
    else:
        (HERE.parent / "chat_templates.json").write_text(whole, encoding="utf-8")


if __name__ == "__main__":
    main()
