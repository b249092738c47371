// The stack pointer and the registers that a function must keep, and nothing else, are what is switched.

#include "fibre.hpp"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

const size_t STACK = 256 << 10;

extern "C" void rwt_switch(void **from, void *to);
extern "C" void rwt_begin_fibre();

#if defined(__x86_64__)
const size_t KEPT = 6;
asm(R"(
.text
.hidden rwt_switch
.globl rwt_switch
.type rwt_switch, @function
rwt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.hidden rwt_begin_fibre
.globl rwt_begin_fibre
.type rwt_begin_fibre, @function
rwt_begin_fibre:
  call *%rbx
  ud2
)");
#elif defined(__aarch64__)
const size_t KEPT = 20;
asm(R"(
.text
.hidden rwt_switch
.globl rwt_switch
.type rwt_switch, @function
rwt_switch:
  sub sp, sp, #160
  stp x19, x20, [sp]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.hidden rwt_begin_fibre
.globl rwt_begin_fibre
.type rwt_begin_fibre, @function
rwt_begin_fibre:
  blr x19
  brk #0
)");
#else
#error "fibres are written for x86-64 and aarch64"
#endif

void fibre_make(Fibre &fibre, void (*entry)()) {
  if (!fibre.stack) {
    void *stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) abort();
    fibre.stack = static_cast<char *>(stack);
    fibre.size = STACK;
  }
  // below the top: what rwt_switch takes back, and the address it returns to
  void **top = reinterpret_cast<void **>(fibre.stack + STACK - 64);
#if defined(__x86_64__)
  void **kept = top - KEPT - 1;
  for (size_t i = 0; i < KEPT; i++) kept[i] = nullptr;
  kept[4] = reinterpret_cast<void *>(entry);  // rbx
  kept[KEPT] = reinterpret_cast<void *>(rwt_begin_fibre);
#else
  void **kept = top - KEPT;
  for (size_t i = 0; i < KEPT; i++) kept[i] = nullptr;
  kept[0] = reinterpret_cast<void *>(entry);             // x19
  kept[11] = reinterpret_cast<void *>(rwt_begin_fibre);  // x30
#endif
  fibre.pointer = kept;
  fibre.shadow = nullptr;
}

void fibre_switch(Fibre &from, Fibre &to) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from.shadow, to.stack, to.size);
#endif
  rwt_switch(&from.pointer, to.pointer);
  fibre_arrived(from);
}

void fibre_arrived(Fibre &fibre) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fibre.shadow, nullptr, nullptr);
#else
  (void)fibre;
#endif
}
