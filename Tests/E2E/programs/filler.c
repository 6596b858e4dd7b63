// SPDX-License-Identifier: Apache-2.0
// filler MEGABYTES MILLISECONDS: fills memory with random bytes, so that nothing makes a dump of it smaller, and then
// prints a number that grows. It says "damaged" and ends when a byte of its memory has changed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int main(int count, char **words) {
    if (count != 3) return 2;
    size_t size = strtoul(words[1], NULL, 10) << 20;
    long milliseconds = strtol(words[2], NULL, 10);
    size_t total = size / sizeof(uint64_t);
    uint64_t *memory = malloc(size ? size : 1), state = 88172645463325252ull, sum = 0;
    if (memory == NULL) return 1;
    for (size_t i = 0; i < total; i++) sum += memory[i] = next(&state);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct timespec wait = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    for (unsigned long long number = 1;; number++) {
        printf("%llu\n", number);
        nanosleep(&wait, NULL);
        if (number % 200 == 0) {
            uint64_t now = 0;
            for (size_t i = 0; i < total; i++) now += memory[i];
            if (now != sum) {
                puts("damaged");
                return 3;
            }
        }
    }
}
