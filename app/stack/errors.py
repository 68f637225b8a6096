"""The one failure of the machine room: a sentence for the person at the terminal."""


class StackError(Exception):
    """Something the person who typed the command can mend; the text is one sentence that says how.

    `app.stack.demo` prints it and exits 1; nothing else is ever shown of it, so it never holds a secret.
    """
