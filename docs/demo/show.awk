# What a command of the demonstration printed, indented by two, in lines of at most WIDTH characters. With ONLY, a regular
# expression, other lines are left out, and a last line "..." says so. Ends with 1 when no line is left.
BEGIN { only = ENVIRON["ONLY"]; width = ENVIRON["WIDTH"] - 2 }
/^note: simulated machine/ { next }  # each apply and reset says so
only != "" && $0 !~ only { left_out = 1; next }
{ shown = 1; wrap($0, match($0, /[^ ]/) ? RSTART - 1 : 0) }
END { if (left_out) print "  ..."; exit only != "" && !shown }

function line(text) {
    sub(/ +$/, "", text)
    print (text == "" ? "" : "  " text)
}

function wrap(text, indent,    at, margin) {
    while (length(text) > width) {
        for (at = width; at > indent + 20 && substr(text, at, 1) !~ /[ ,]/; at--) ;
        if (at <= indent + 20) at = width
        line(substr(text, 1, at))
        if (margin == "") margin = sprintf("%" (indent + 4) "s", "")
        text = margin substr(text, at + 1)
        indent = length(margin)
    }
    line(text)
}
