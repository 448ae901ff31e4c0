// SPDX-License-Identifier: GPL-3.0-or-later
// The filter is written by hand in the kernel's own little language (classic BPF): compare the
// call's number with each allowed one; for a few calls look at an argument as well.
#include "ingest/reader/seccomp.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dossier::ingest {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// Whatever a reader, a renderer or a folder walk needs, and nothing that reaches another process,
// the network or a new program.
constexpr int kAllowed[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_lseek,
    SYS_close,
    SYS_fstat,
    SYS_fstatfs,
    SYS_statfs,
    SYS_statx,
    SYS_newfstatat,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_getdents64,
    SYS_getcwd,
    SYS_fcntl,
    SYS_dup,
    SYS_dup3,
    SYS_fadvise64,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_memfd_create,
    SYS_flock,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_msync,
    SYS_mincore,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_recvfrom,
    SYS_sendto,
    SYS_shutdown,
    SYS_ppoll,
    SYS_eventfd2,
    SYS_pipe2,
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_membarrier,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_exit,
    SYS_exit_group,
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrusage,
    SYS_restart_syscall,
    SYS_set_tid_address,
    SYS_umask,
#if defined(__x86_64__)
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_poll,
    SYS_time,
    SYS_arch_prctl,
    SYS_getrlimit,
#endif
};

/// Offsets into what the kernel shows the filter.
constexpr std::uint32_t kNumber = offsetof(seccomp_data, nr);
constexpr std::uint32_t kArch = offsetof(seccomp_data, arch);
constexpr std::uint32_t argument(std::uint32_t index) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * index); // low half
}

class Filter {
  public:
    void load(std::uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset); }
    void give(std::uint32_t verdict) { add(BPF_RET | BPF_K, verdict); }
    /// Next instruction if equal, else over `skip` of them.
    void unlessEqualSkip(std::uint32_t value, std::uint8_t skip) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
    }
    void ifEqualSkip(std::uint32_t value, std::uint8_t skip) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0);
    }
    void ifAnyBitSkip(std::uint32_t bits, std::uint8_t skip) {
        add(BPF_JMP | BPF_JSET | BPF_K, bits, skip, 0);
    }

    void allow(int call) {
        unlessEqualSkip(static_cast<std::uint32_t>(call), 1);
        give(SECCOMP_RET_ALLOW);
    }
    /// Allows the call if none of the bits is set in the argument.
    void allowWithout(int call, std::uint32_t index, std::uint32_t bits) {
        unlessEqualSkip(static_cast<std::uint32_t>(call), 4);
        load(argument(index));
        ifAnyBitSkip(bits, 1);
        give(SECCOMP_RET_ALLOW);
        give(refuse(EACCES));
    }
    /// Allows the call if the argument is this value.
    void allowFor(int call, std::uint32_t index, std::uint32_t value) {
        unlessEqualSkip(static_cast<std::uint32_t>(call), 4);
        load(argument(index));
        unlessEqualSkip(value, 1);
        give(SECCOMP_RET_ALLOW);
        load(kNumber); // another rule may allow it for another value
    }
    static std::uint32_t refuse(int error) {
        return SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA);
    }

    bool install() {
        sock_fprog program{static_cast<unsigned short>(m_code.size()), m_code.data()};
        return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                         &program) == 0;
    }

  private:
    void add(std::uint32_t code, std::uint32_t k, std::uint8_t yes = 0, std::uint8_t no = 0) {
        m_code.push_back({static_cast<std::uint16_t>(code), yes, no, k});
    }
    std::vector<sock_filter> m_code;
};

} // namespace

SeccompResult restrictSystemCalls() {
    if (kArchitecture == 0) {
        return {false, "Not written for this processor: the reader can make every system call"};
    }
    Filter filter;
    filter.load(kArch);
    filter.ifEqualSkip(kArchitecture, 1);
    filter.give(SECCOMP_RET_KILL_PROCESS);
    filter.load(kNumber);
    for (const int call : kAllowed) {
        filter.allow(call);
    }
    constexpr std::uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
    filter.allowWithout(SYS_openat, 2, writing);
#if defined(__x86_64__)
    filter.allowWithout(SYS_open, 1, writing);
#endif
    // Memory that can be executed comes from library files only.
    filter.allowWithout(SYS_mprotect, 2, PROT_EXEC);
    filter.unlessEqualSkip(SYS_mmap, 7);
    filter.load(argument(2));
    filter.ifAnyBitSkip(PROT_EXEC, 1);
    filter.give(SECCOMP_RET_ALLOW);
    filter.load(argument(3));
    filter.ifAnyBitSkip(MAP_ANONYMOUS, 1);
    filter.give(SECCOMP_RET_ALLOW);
    filter.give(Filter::refuse(EACCES));
    // Threads of this process, but no other processes. clone3 hides its flags from the filter; the
    // C library falls back to clone when it does not exist.
    filter.unlessEqualSkip(SYS_clone, 4);
    filter.load(argument(0));
    filter.ifAnyBitSkip(CLONE_THREAD, 1);
    filter.give(Filter::refuse(EPERM));
    filter.give(SECCOMP_RET_ALLOW);
    filter.allowFor(SYS_prctl, 0, PR_SET_NAME);
    filter.allowFor(SYS_prctl, 0, PR_SET_VMA);
    filter.allowFor(SYS_ioctl, 1, FIONREAD);
    filter.allowFor(SYS_tgkill, 0, static_cast<std::uint32_t>(::getpid())); // abort()
    filter.allowFor(SYS_prlimit64, 0, 0); // its own limits, which it can only lower
    filter.give(Filter::refuse(ENOSYS));
    if (!filter.install()) {
        return {false, std::string("Seccomp could not be switched on (") + std::strerror(errno) +
                           "): the reader can make every system call"};
    }
    return {true,
            "Seccomp: no new programs or processes, no network, no writing of files, no access to "
            "other processes"};
}

} // namespace dossier::ingest
