#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# mkman.sh FILE VERSION - print the manual page of a program, made from the help
# text in its source.
#
# The help text is the comment below the SPDX line, or a string in """. These
# parts of it have a form of their own; the rest are paragraphs:
#
#   Does something.           the first line: one sentence
#
#     program [OPTION]...     indented by two: how it is called
#     --option  text          indented by two: an option or a file, then two
#                             spaces or more, then what it means. The text goes
#                             on below, indented deeper
#     make                    indented by two: a command

set -e
name=${1##*/}
if grep -q '^"""' "$1"; then
	sed -n '/^"""/,/"""$/p' "$1" | sed 's/^"""//; s/"""$//'
else
	sed -n '4,/^$/s/^# \{0,1\}//p' "$1"
fi | awk -v name="$name" -v version="$2" '
	function plain(text) {
		gsub(/\\/, "\\e", text)
		gsub(/-/, "\\-", text)
		if (text ~ /^[.\047]/)
			text = "\\&" text
		return text
	}

	function section(title) {
		if (title != at)
			print ".SH " title
		at = title
	}

	BEGIN { printf ".TH %s 1 \"\" \"gomem %s\" \"gomem\"\n", toupper(name), version }
	!seen && $0 == "" { next }
	!seen {
		seen = 1
		sub(/\.$/, "")
		section("NAME")
		print name " \\- " tolower(substr($0, 1, 1)) plain(substr($0, 2))
		next
	}
	$0 == "" { blank = 1; next }
	/^  [^ ]/ && $1 == name {
		section("SYNOPSIS")
		print ".B " plain(substr($0, 3))
		next
	}
	/^  [^ ]+  +[^ ]/ {
		section(at == "SYNOPSIS" ? "DESCRIPTION" : at)
		print ".TP"
		print ".B " plain($1)
		sub(/^ *[^ ]+ +/, "")
		print plain($0)
		next
	}
	/^  [^ ]/ {
		print ".br"
		print plain(substr($0, 3))
		next
	}
	{
		if (at == "SYNOPSIS")
			section("DESCRIPTION")
		else if (blank && !/^   /)
			print ".PP"
		sub(/^ +/, "")
		print plain($0)
		blank = 0
	}'
