/* What the programs need of the machine: a microcontroller, or a desktop to compare with. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Write a text that ends with 0. */
void board_print(const char *text);
/* Time since the start, 40 instructions a tick in QEMU; 0 where nobody counts. */
uint32_t board_ticks(void);
/* Bytes of the stack that have been used at most; 0 where nobody paints it. */
uint32_t board_stack(void);
/* Paint the unused stack anew. */
void board_paint(void);

#endif
