"""Numbers of the mutants that the compiler complains of: the last switch before the end of each error's place."""

import json
import re
import sys

tree, messages = sys.argv[1:]
numbers = set()
for line in open(messages):
    message = json.loads(line).get("message")
    if not message or message["level"] != "error":
        continue
    for span in message["spans"]:
        with open(f"{tree}/{span['file_name']}", "rb") as file:
            before = file.read()[: span["byte_end"]].decode(errors="ignore")
        switches = re.findall(r"is_mutant\((\d+)\)", before)
        if switches:
            numbers.add(int(switches[-1]))
if not numbers:
    sys.exit("the mutants do not compile, and no switch is to blame; see target/mutants/build.log")
print("\n".join(map(str, sorted(numbers))))
