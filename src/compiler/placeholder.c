/* placeholder */
typedef int kpu_placeholder;
