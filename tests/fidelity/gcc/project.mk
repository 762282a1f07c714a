# SPDX-License-Identifier: Apache-2.0 OR MIT
objects = src/main.o src/list.o src/text.o
CFLAGS = -O1 -Wall
all: program check
program: libproject.a
	gcc -o $@ src/main.o libproject.a
libproject.a: $(objects)
	ar rcs $@ $(objects)
check: program
	./program >check.log
	grep -q built check.log
install: all
	install -m 755 program /srv/installed/program
	install -m 644 libproject.a /srv/installed/libproject.a
clean:
	rm -f $(objects) libproject.a program check.log
.PHONY: all check install clean
