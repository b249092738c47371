/* A Cortex-M4F: QEMU's mps2-an386 without any library but the compiler's. Text goes out by semihosting. */
#include <stddef.h>

#include "board.h"

extern uint32_t __bss_start[], __bss_end[], __data_start[], __data_end[], __data_load[], __stack_low[], __stack_top[];

int main(void);

enum { PAINT = 0x5a5a5a5a, SYS_WRITE0 = 4, SYS_EXIT_EXTENDED = 0x20, STOPPED = 0x20026 };

#define SYST_CSR (*(volatile uint32_t *)0xe000e010)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018)
#define CPACR (*(volatile uint32_t *)0xe000ed88)

static volatile uint32_t wraps;

static int semihosting(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static _Noreturn void leave(uint32_t code)
{
    const uint32_t reason[2] = {STOPPED, code};
    semihosting(SYS_EXIT_EXTENDED, reason);
    for (;;) {
    }
}

void board_print(const char *text)
{
    semihosting(SYS_WRITE0, text);
}

/* The clock has 25 MHz; with -icount shift=0 an instruction takes 1 ns. */
uint32_t board_ticks(void)
{
    uint32_t before, ticks;
    do {
        before = wraps;
        ticks = 0x1000000 - SYST_CVR;
    } while (before != wraps);
    return (before << 24) + ticks;
}

uint32_t board_stack(void)
{
    const volatile uint32_t *word = __stack_low;
    while (word < __stack_top && *word == PAINT)
        word++;
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}

void board_paint(void)
{
    volatile uint32_t *here = __stack_low;
    uint32_t *end;
    __asm__ volatile("mov %0, sp" : "=r"(end));
    while (here < end)
        *here++ = PAINT;
}

static void tick(void)
{
    wraps++;
}

static void fault(void)
{
    board_print("fault\n");
    leave(2);
}

void reset(void)
{
    for (uint32_t *to = __data_start, *from = __data_load; to < __data_end;)
        *(volatile uint32_t *)to++ = *from++;
    for (uint32_t *to = __bss_start; to < __bss_end;)
        *(volatile uint32_t *)to++ = 0;
    CPACR |= 0xfU << 20; /* the floating-point unit */
    __asm__ volatile("dsb\nisb");
    SYST_RVR = 0xffffff;
    SYST_CVR = 0;
    SYST_CSR = 7;
    board_paint();
    leave((uint32_t)main());
}

/* Stack, reset, NMI, and the faults; interrupt 15 is the clock's. */
static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} VECTORS __attribute__((section(".vectors"), used)) = {
    __stack_top,
    {reset, fault, fault, fault, fault, fault, NULL, NULL, NULL, NULL, fault, NULL, NULL, fault, tick},
};
