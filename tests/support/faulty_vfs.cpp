// SPDX-License-Identifier: GPL-3.0-or-later
// Wraps every file of the default VFS; counts writes and syncs.
#include "tests/support/faulty_vfs.h"

#include <sqlite3.h>

#include <atomic>

namespace dossier::test {
namespace {

std::atomic<int> g_writesLeft{-1}; ///< -1 = no fault armed
std::atomic<int> g_syncsLeft{-1};
std::atomic<int> g_writeResult{SQLITE_FULL};
std::atomic<bool> g_happened{false};

/// True when this operation is to fail.
bool due(std::atomic<int>& left) {
    if (left < 0) {
        return false;
    }
    if (left > 0) {
        --left;
        return false;
    }
    g_happened = true;
    return true;
}

struct File {
    sqlite3_file base;
    sqlite3_file* real; ///< directly behind this struct
};
sqlite3_file* realOf(sqlite3_file* file) {
    return reinterpret_cast<File*>(file)->real;
}
sqlite3_vfs* systemVfs() {
    return sqlite3_vfs_find(nullptr);
}

int closeFile(sqlite3_file* f) {
    return realOf(f)->pMethods->xClose(realOf(f));
}
int readFile(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    return realOf(f)->pMethods->xRead(realOf(f), to, n, at);
}
int writeFile(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    return due(g_writesLeft) ? g_writeResult.load()
                             : realOf(f)->pMethods->xWrite(realOf(f), from, n, at);
}
int truncateFile(sqlite3_file* f, sqlite3_int64 size) {
    return due(g_writesLeft) ? g_writeResult.load()
                             : realOf(f)->pMethods->xTruncate(realOf(f), size);
}
int syncFile(sqlite3_file* f, int flags) {
    return due(g_syncsLeft) ? SQLITE_IOERR_FSYNC : realOf(f)->pMethods->xSync(realOf(f), flags);
}
int fileSize(sqlite3_file* f, sqlite3_int64* size) {
    return realOf(f)->pMethods->xFileSize(realOf(f), size);
}
int lockFile(sqlite3_file* f, int level) {
    return realOf(f)->pMethods->xLock(realOf(f), level);
}
int unlockFile(sqlite3_file* f, int level) {
    return realOf(f)->pMethods->xUnlock(realOf(f), level);
}
int checkLock(sqlite3_file* f, int* out) {
    return realOf(f)->pMethods->xCheckReservedLock(realOf(f), out);
}
int control(sqlite3_file* f, int op, void* arg) {
    return realOf(f)->pMethods->xFileControl(realOf(f), op, arg);
}
int sectorSize(sqlite3_file* f) {
    return realOf(f)->pMethods->xSectorSize(realOf(f));
}
int characteristics(sqlite3_file* f) {
    return realOf(f)->pMethods->xDeviceCharacteristics(realOf(f));
}
int shmMap(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return realOf(f)->pMethods->xShmMap(realOf(f), page, size, extend, out);
}
int shmLock(sqlite3_file* f, int offset, int n, int flags) {
    return realOf(f)->pMethods->xShmLock(realOf(f), offset, n, flags);
}
void shmBarrier(sqlite3_file* f) {
    realOf(f)->pMethods->xShmBarrier(realOf(f));
}
int shmUnmap(sqlite3_file* f, int remove) {
    return realOf(f)->pMethods->xShmUnmap(realOf(f), remove);
}

const sqlite3_io_methods kMethods = {
    2,        closeFile,  readFile,  writeFile, truncateFile, syncFile,        fileSize,
    lockFile, unlockFile, checkLock, control,   sectorSize,   characteristics, shmMap,
    shmLock,  shmBarrier, shmUnmap,  nullptr,   nullptr};

int openFile(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* outFlags) {
    auto* file = reinterpret_cast<File*>(f);
    file->real = reinterpret_cast<sqlite3_file*>(file + 1);
    const int result = systemVfs()->xOpen(systemVfs(), name, file->real, flags, outFlags);
    file->base.pMethods = file->real->pMethods != nullptr ? &kMethods : nullptr;
    return result;
}

} // namespace

const std::string& faultyVfs() {
    static const std::string name = "faulty";
    static sqlite3_vfs vfs = [] {
        sqlite3_vfs copy = *systemVfs();
        copy.zName = "faulty";
        copy.szOsFile += static_cast<int>(sizeof(File));
        copy.pNext = nullptr;
        copy.xOpen = openFile;
        return copy;
    }();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    static_cast<void>(registered);
    return name;
}

void failFrom(Fault fault, int n) {
    g_happened = false;
    g_writeResult = fault == Fault::DiskFull ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    g_writesLeft = fault == Fault::SyncError ? -1 : n - 1;
    g_syncsLeft = fault == Fault::SyncError ? n - 1 : -1;
}

bool faultHappened() {
    return g_happened;
}

} // namespace dossier::test
