/* Sweeps: the space that one spans, with the machines and workloads that it names in memory. The
 * input is the sweep; a line that begins with "==>" begins the text of the next file. */
#include "explorer/space.h"
#include "fuzz/check.h"
#include "fuzz/fuzz.h"

enum { FILES_MAX = 256, POINTS = 64 };

static const char machine_text[] =
    "[dram]\nchannels=2\n[dma]\nbytes_per_cycle=8\nlatency=10\n[l3]\ntiles=4\ntile_kib=512\n"
    "[block_mover]\nengines=4\nbytes_per_cycle=16\nlatency=8\n[l2]\nbanks=8\nbank_kib=64\n"
    "[streamer]\nrow_bytes_per_cycle=64\ncol_bytes_per_cycle=64\ndrain_bytes_per_cycle=64\n"
    "latency=4\n[l1]\nbuffers=64\nbuffer_kib=4\n[fabric]\nrows=16\ncols=16\nregisters_per_pe=4\n"
    "pipelining=full\nclock_ghz=1\n[energy]\ndram_read_pj=10\ndram_write_pj=10\nl3_read_pj=2\n"
    "l3_write_pj=2\nl2_read_pj=1\nl2_write_pj=1\nl1_read_pj=0.5\nl1_write_pj=0.5\nmac_pj=0.2\n"
    "leakage_mw=5\n";
static const char workload_text[] = "name,M,N,K,count\none,64,96,48,2\ntwo,40,64,32,1\n";

/* The files that a sweep names, and their texts, as far as the input has any. */
typedef struct named_files {
    kpu_space_file file[FILES_MAX];
    size_t count;
    char *rest; /* of the input: the texts */
} named_files;

/* Cuts the next text off. */
static const char *next_text(named_files *files, const char *otherwise)
{
    char *text = files->rest, *mark = text ? strstr(text, "\n==>") : NULL;
    files->rest = mark ? strchr(mark + 1, '\n') : NULL;
    if (mark)
        mark[1] = '\0';
    return text && text[0] ? text : otherwise;
}

static void add_files(named_files *files, const kpu_ini *sweep, const char *section,
                      const char *key)
{
    const kpu_setting *setting = kpu_ini_find(sweep, section, key);
    kpu_list_entry *entries;
    size_t count;
    if (!setting || kpu_list_split(setting, &entries, &count, NULL))
        return;
    for (size_t i = 0; i < count && files->count < FILES_MAX; i++) {
        bool is_machine = strcmp(key, "machines") == 0;
        const char *text = next_text(files, is_machine ? machine_text : workload_text);
        char *name;
        if (asprintf(&name,
                     is_machine && !strchr(entries[i].text, '/') && !strstr(entries[i].text, ".ini")
                         ? "configs/%s.ini"
                         : "%s",
                     entries[i].text) < 0)
            exit(1);
        files->file[files->count++] = (kpu_space_file){name, text};
    }
    kpu_list_free(entries, count);
}

static void check_point(const kpu_space *space, const kpu_point *point, bool admitted)
{
    if (point->index < 0 || point->index >= kpu_space_raw_size(space) || point->machine < 0 ||
        (size_t)point->machine >= kpu_space_machine_count(space) || point->gemm < 0 ||
        (size_t)point->gemm >= kpu_space_gemm_count(space))
        fail_check("a point outside the space");
    if (admitted && kpu_space_admits_none(space, point, point))
        fail_check("a point is admitted, its box is not");
}

static void look_at(const kpu_space *space)
{
    char hash[33];
    int64_t size = kpu_space_run_size(space);
    if (size < 1 || size > kpu_space_raw_size(space) || kpu_space_hash(space, hash))
        fail_check("a space of no size");
    for (int64_t n = 0; n < POINTS; n++) {
        int64_t at = n == 0 ? size - 1 : (int64_t)(kpu_random_u64(1, 2, (uint64_t)n) >> 1) % size;
        kpu_point point;
        bool admitted = kpu_space_point(space, n == 1 ? 0 : at, &point);
        check_point(space, &point, admitted);
    }
    for (size_t m = 0; m < kpu_space_machine_count(space); m += 1 + m)
        if (kpu_machine_validate(kpu_space_machine(space, (int64_t)m), NULL))
            fail_check("a machine that is none");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_text(data, size);
    char *mark = strstr(text, "\n==>");
    named_files files = {.rest = mark ? strchr(mark + 1, '\n') : NULL};
    size_t sweep_bytes = mark ? (size_t)(mark + 1 - text) : size;
    kpu_ini sweep = {0};
    kpu_space *space = NULL;
    kpu_diag diag = {0};
    int status = kpu_ini_parse("fuzz.ini", text, sweep_bytes, KPU_FILE_SWEEP, &sweep, &diag);
    check_complaints(status, &diag);
    add_files(&files, &sweep, "sweep", "machines");
    add_files(&files, &sweep, "workload", "files");
    status = kpu_space_make_kept(&sweep, files.file, files.count, &space, &diag);
    if ((status == KPU_OK) != (space != NULL))
        fail_check("no space and no failure");
    check_complaints(status, &diag);
    kpu_ini_fini(&sweep);
    if (space)
        look_at(space);
    kpu_space_free(space);
    for (size_t i = 0; i < files.count; i++)
        free((char *)files.file[i].name);
    free(text);
    return 0;
}
