// What a program without libc needs: its entry point, start(stack), and system calls: inline or, with CALLED, by a
// function, as libc and Go make them. The return after the system call has a cost of its own.

#ifdef CALLED
#define SYSCALL __attribute__((noinline)) static long
#else
#define SYSCALL __attribute__((always_inline)) static inline long
#endif

#if defined(__x86_64__)

asm(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");

SYSCALL call(long nr, long a, long b, long c, long d, long e)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	long r;

	asm volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
	return r;
}

#elif defined(__aarch64__)

asm(".globl _start\n_start:\n\tmov x0, sp\n\tbl start\n");

SYSCALL call(long nr, long a, long b, long c, long d, long e)
{
	register long x8 asm("x8") = nr;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b;
	register long x2 asm("x2") = c;
	register long x3 asm("x3") = d;
	register long x4 asm("x4") = e;

	asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}

#endif
