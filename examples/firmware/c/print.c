#include "print.h"

#include "board.h"

static void print_digits(uint32_t value, uint32_t base, int least)
{
    char text[24], *at = text + sizeof text - 1;
    *at = 0;
    for (int digits = 0; value != 0 || digits < least; digits++) {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    }
    board_print(at);
}

static void begin(const char *name)
{
    board_print(name);
    board_print(" ");
}

void print_number(const char *name, uint32_t value)
{
    begin(name);
    print_digits(value, 10, 1);
    board_print("\n");
}

void print_bits(const char *name, uint32_t value)
{
    begin(name);
    print_digits(value, 16, 8);
    board_print("\n");
}

void print_hundredths(const char *name, double value)
{
    begin(name);
    if (value < 0)
        board_print("-");
    const uint32_t hundredths = (uint32_t)((value < 0 ? -value : value) * 100 + 0.5);
    print_digits(hundredths / 100, 10, 1);
    board_print(".");
    print_digits(hundredths % 100, 10, 2);
    board_print("\n");
}

uint32_t hash(uint32_t before, const void *bytes, size_t count)
{
    for (const unsigned char *byte = bytes; count > 0; count--)
        before = (before ^ *byte++) * 16777619U;
    return before;
}
