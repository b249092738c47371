/* A desktop: it prints, and counts nothing. */
#include <stdio.h>

#include "board.h"

void board_print(const char *text)
{
    fputs(text, stdout);
}

uint32_t board_ticks(void)
{
    return 0;
}

uint32_t board_stack(void)
{
    return 0;
}

void board_paint(void) {}
