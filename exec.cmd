@rem sh replaces itself by what follows exec, so that npm's signals reach the broker. On Windows this stands in for it.
@%*
