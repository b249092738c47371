// Fibres: threads of control that hand over to each other where they say so.

#pragma once

#include <stddef.h>

struct Fibre {
  void *pointer;  // of the stack, while it does not run
  char *stack;    // its lowest byte
  size_t size;    // its bytes
  void *shadow;   // the address sanitizer's
};

// A fibre that begins with `entry`, which never returns.
void fibre_make(Fibre &fibre, void (*entry)());
// Go on in another one.
void fibre_switch(Fibre &from, Fibre &to);
// The first thing that a fibre does when it goes on.
void fibre_arrived(Fibre &fibre);
