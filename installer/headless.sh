# SPDX-License-Identifier: GPL-3.0-or-later
# The main job in the terminal, for machines without a display: read by run.sh, with its variables.
# shellcheck shell=bash

export QT_QPA_PLATFORM=offscreen
say "In the terminal: reading, asking, reporting."

# Name, question, then the sources of the sample.
mapfile -t sample < <(python3 - "$root/resources/sample" << 'END'
import json, sys
sample = json.load(open(sys.argv[1] + "/sample.json", encoding="utf-8"))
print(sample["name"])
print(next(question["text"] for question in sample["questions"] if question.get("headless")))
for source in sample["sources"]:
    print(sys.argv[1] + "/" + source["path"])
END
)
[ ${#sample[@]} -gt 2 ] || die "the sample in resources/sample could not be read" "git checkout resources/sample brings it back"
[ -n "$question" ] || question=${sample[1]}

home=${XDG_DATA_HOME:-$HOME/.local/share}/dossier
mkdir -p "$home"
if [ ${#files[@]} -eq 0 ]; then
    dossier=$home/${sample[0]}.dossier # asked again when it is there
    files=("${sample[@]:2}")
else
    name=$(basename "${files[0]}")
    name=${name%.*} number=1
    dossier=$home/$name.dossier
    while [ -e "$dossier" ]; do
        number=$((number + 1))
        dossier="$home/$name $number.dossier"
    done
fi

if [ ! -e "$dossier" ]; then
    step "Reading into $dossier"
    # Filled under another name first, so that what is there under its own name is whole.
    part=$home/unfinished-$$.dossier
    rm -rf "$part"
    trap 'rm -rf "$part"' EXIT
    "$program" new "$part" > /dev/null # it prints the name, which is not the one that stays
    status=0
    "$program" add --dossier "$part" "${files[@]}" || status=$?
    # 3: some files could not be read, which it has said; the others are asked about
    [ $status -eq 0 ] || [ $status -eq 3 ] || die "the files could not be added (exit status $status)" "its words are above"
    mv "$part" "$dossier"
fi
step "Asking: $question"
status=0
"$program" ask --dossier "$dossier" "$question" || status=$?
[ $status -le 1 ] || die "the question was not answered (exit status $status)" "its words are above"
step "Report"
"$program" report --dossier "$dossier"
step_end
say "Done in $(elapsed "$script_start")."
exit $status
