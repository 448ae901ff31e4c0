// SPDX-License-Identifier: Apache-2.0
#include "engine/experts/mail_service.h"

#include <algorithm>
#include <chrono>

#include "engine/kernels/cuda/cuda_error.h"

namespace dossier::engine::cuda {
namespace {

/// Where only the disk is asked for: a look costs nothing beside a read of several milliseconds.
constexpr std::chrono::microseconds kBetweenLooks{20};

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

} // namespace

MailService::MailService(DiskReader* reader, Box box) : m_reader(reader), m_box(std::move(box)) {
    check(cudaGetDevice(&m_device), "ask for the GPU");
    if (m_box.way == FetchWay::Copies) {
        check(cudaStreamCreateWithFlags(&m_copies, cudaStreamNonBlocking), "create a stream");
    }
    m_thread = std::thread([this] { work(); });
}

MailService::~MailService() {
    m_stop = true;
    m_open = true;
    m_open.notify_all();
    m_thread.join();
    releaseHeld();
    if (m_copies) {
        cudaStreamSynchronize(m_copies);
        cudaStreamDestroy(m_copies);
    }
}

void MailService::open() {
    if (!m_open.exchange(true)) {
        m_open.notify_all();
    }
}

void MailService::close() {
    m_open = false;
    releaseHeld();
}

void MailService::releaseHeld() {
    const std::lock_guard lock(m_mutex);
    for (const std::uint32_t buffer : m_held) {
        m_reader->release(buffer);
    }
    m_held.clear();
}

std::exception_ptr MailService::takeFailure() {
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_failure, nullptr);
}

void MailService::fail(std::exception_ptr why) {
    const std::lock_guard lock(m_mutex);
    m_failure = m_failure ? m_failure : std::move(why);
}

std::uint32_t MailService::hold(std::uint32_t layer, std::uint32_t expert) {
    const auto buffer = m_reader->request(layer, expert);
    if (!buffer) {
        throw Error(ErrorCode::Internal, "No buffer was left for an expert on disk");
    }
    const std::lock_guard lock(m_mutex);
    m_held.push_back(*buffer);
    return *buffer;
}

void MailService::work() {
    cudaSetDevice(m_device); // of this thread
    while (!m_stop) {
        m_open.wait(false);
        if (__atomic_load_n(&m_box.mail->number, __ATOMIC_ACQUIRE) != m_answered) {
            releaseHeld(); // a new request means that the GPU has everything of the one before
            m_box.way == FetchWay::Copies ? answerCopies() : answer();
        } else if (m_box.way == FetchWay::Copies) {
            pause();
        } else {
            std::this_thread::sleep_for(kBetweenLooks);
        }
    }
}

void MailService::answerCopies() {
    const FetchMail& mail = *m_box.mail;
    const std::uint32_t number = mail.number;
    auto* ring = reinterpret_cast<std::byte*>(mail.ring);
    struct Open {
        std::uint32_t place, buffer;
    };
    std::vector<Open> open;
    const auto copy = [&](std::uint32_t place, const std::byte* from) {
        check(cudaMemcpyAsync(ring + place * m_box.blockBytes, from, m_box.blockBytes,
                              cudaMemcpyHostToDevice, m_copies),
              "copy an expert to the GPU");
    };
    try {
        m_inRam.clear();
        for (std::uint32_t i = 0; i < mail.count; ++i) {
            if (m_box.source(mail.layer, mail.expert[i])) {
                m_inRam.push_back(i);
            } else { // the disk starts at once
                open.push_back({i, hold(mail.layer, mail.expert[i])});
            }
        }
        const std::size_t computed = m_box.cpu ? m_box.cpu->begin(mail, m_inRam) : 0;
        for (std::size_t i = 0; i + computed < m_inRam.size(); ++i) {
            copy(m_inRam[i], m_box.source(mail.layer, mail.expert[m_inRam[i]]));
        }
        for (const Open& one : open) {
            copy(one.place, m_reader->wait(one.buffer));
        }
        std::uint32_t& word = m_box.numbers[number % 2];
        word = number;
        check(cudaMemcpyAsync(m_box.arrived, &word, sizeof word, cudaMemcpyHostToDevice, m_copies),
              "copy to the GPU");
        if (m_box.cpu) {
            m_box.cpu->end(mail);
        }
    } catch (...) {
        fail(std::current_exception());
        __atomic_store_n(&m_box.mail->abandoned, number, __ATOMIC_RELEASE);
    }
    m_answered = number;
}

void MailService::answer() {
    FetchMail& mail = *m_box.mail;
    const std::uint32_t number = mail.number;
    struct Open {
        std::uint32_t place, buffer;
    };
    std::vector<Open> open;
    const auto reply = [&](std::uint32_t place, const std::byte* block) {
        mail.address[place] = reinterpret_cast<std::uint64_t>(block);
        __atomic_store_n(&mail.answered[place], number, __ATOMIC_RELEASE);
    };
    const auto failed = [&](std::uint32_t place) {
        fail(std::current_exception());
        reply(place, nullptr);
    };
    for (std::uint32_t i = 0; i < mail.count; ++i) {
        try {
            open.push_back({i, hold(mail.layer, mail.expert[i])});
        } catch (...) {
            failed(i);
        }
    }
    for (const Open& one : open) { // read in this order
        try {
            reply(one.place, m_reader->wait(one.buffer));
        } catch (...) {
            failed(one.place);
        }
    }
    m_answered = number;
}

} // namespace dossier::engine::cuda
